// Everything Slipway needs in one subscription: its own resource group, and roles on the registries it builds in.
// Raw resources at pinned API versions, so that scripts/check-bicep.ts can check them without Azure or the Bicep CLI.
targetScope = 'subscription'

@description('Name of the azd environment; part of resource names and the value of the azd-env-name tag.')
@minLength(1)
@maxLength(40)
param environmentName string

@description('Region of everything that is created here. Must offer Flex Consumption: az functionapp list-flexconsumption-locations.')
@minLength(1)
param location string

@description('Resource group to create or update. Empty: rg-slipway-<environment>.')
param resourceGroupName string = ''

@description('Who runs the deployment; may then write the two secrets. Empty: nobody is given that right.')
param deployerPrincipalId string = ''

@description('Kind of the principal above: User at a desk, ServicePrincipal in a pipeline.')
@allowed(['User', 'ServicePrincipal', 'Group'])
param deployerPrincipalType string = 'User'

type registryReference = {
  @description('Name of the registry, not its login server.')
  name: string

  @description('Resource group of the registry, in the subscription that is deployed to.')
  resourceGroup: string
}

@description('Registries that exist already and that Slipway may build in. Empty: one is created.')
param existingRegistries registryReference[] = []

@description('Tier of the registry created here. Basic builds the same images; Premium adds agent pools, replicas and private links.')
@allowed(['Basic', 'Standard', 'Premium'])
param registrySku string = 'Basic'

@description('Node.js of the function app. 24 is tested and GA for Functions; whether Flex takes it in your region is in docs/unverified.md, 22 is the way back.')
@allowed(['22', '24'])
param nodeVersion string = '24'

// 512 is the lever on cost: Flex bills at least one second per execution times this memory, and most executions here
// are short waits on ACR, GitHub and storage. Contexts and logs are streamed, never held whole. See docs/deploy.md.
@description('Memory of one instance in MB.')
@allowed([512, 2048, 4096])
param instanceMemoryMB int = 512

// Not a limit on builds: each queue function scales on its own and one instance takes several messages. The limit on
// builds is maxRuns of a registry in slipway.platform.yaml.
@description('Most on-demand instances of one function group. 40 is the lowest value documented for every region.')
@minValue(1)
@maxValue(1000)
param maximumInstanceCount int = 40

@description('Copies of state, messages and logs: in one data centre or across the zones of the region.')
@allowed(['Standard_LRS', 'Standard_ZRS'])
param storageSku string = 'Standard_LRS'

@description('Days a collected build log is kept in Blob storage.')
@minValue(1)
@maxValue(3650)
param logRetentionDays int = 90

@description('Days Log Analytics keeps telemetry.')
@minValue(30)
@maxValue(730)
param telemetryRetentionDays int = 30

@description('Most telemetry taken in per day, in GB; what comes after is dropped. -1: no cap.')
param telemetryDailyCapGb int = 1

@description('Numeric id of the GitHub App.')
param gitHubAppId string

@description('REST API of GitHub or of a GitHub Enterprise Server (https://HOST/api/v3).')
param gitHubApiUrl string = 'https://api.github.com'


@description('Where people reach the API, https://HOST/api. Empty: under the name Azure gives the app.')
param publicUrl string = ''

@description('NCrontab expression with seconds for the sweep, which picks up whatever was missed.')
param sweepSchedule string = '0 * * * * *'

@description('NCrontab expression with seconds for the look at base images whose turn it is; slipway.platform.yaml says how often each one has it.')
param baseCheckSchedule string = '30 * * * * *'

@description('True while GitHub changes from one webhook secret to the next: the vault then holds github-webhook-secret-previous too.')
param rotatingWebhookSecret bool = false

var token = uniqueString(subscription().id, environmentName, location)
var tags = { 'azd-env-name': environmentName }

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: empty(resourceGroupName) ? 'rg-slipway-${environmentName}' : resourceGroupName
  location: location
  tags: tags
}

module identity 'modules/identity.bicep' = {
  name: 'slipway-identity'
  scope: group
  params: {
    name: 'id-slipway-${token}'
    location: location
    tags: tags
  }
}

module storage 'modules/storage.bicep' = {
  name: 'slipway-storage'
  scope: group
  params: {
    name: 'stslipway${token}'
    location: location
    tags: tags
    sku: storageSku
    logRetentionDays: logRetentionDays
  }
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'slipway-monitoring'
  scope: group
  params: {
    workspaceName: 'log-slipway-${token}'
    componentName: 'appi-slipway-${token}'
    location: location
    tags: tags
    retentionDays: telemetryRetentionDays
    dailyCapGb: telemetryDailyCapGb
  }
}

module keyVault 'modules/keyvault.bicep' = {
  name: 'slipway-keyvault'
  scope: group
  params: {
    name: 'kv-slipway-${token}'
    location: location
    tags: tags
  }
}

module registry 'modules/registry.bicep' = if (empty(existingRegistries)) {
  name: 'slipway-registry'
  scope: group
  params: {
    name: 'crslipway${token}'
    location: location
    tags: tags
    sku: registrySku
  }
}

module roles 'modules/roles.bicep' = {
  name: 'slipway-roles'
  scope: group
  params: {
    principalId: identity.outputs.principalId
    storageAccountName: storage.outputs.name
    componentName: monitoring.outputs.componentName
    vaultName: keyVault.outputs.name
    deployerPrincipalId: deployerPrincipalId
    deployerPrincipalType: deployerPrincipalType
  }
}

module newRegistryRoles 'modules/registry-roles.bicep' = if (empty(existingRegistries)) {
  name: 'slipway-registry-roles'
  scope: group
  params: {
    principalId: identity.outputs.principalId
    registryName: registry!.outputs.name
  }
}

module existingRegistryRoles 'modules/registry-roles.bicep' = [for reference in existingRegistries: {
  name: 'slipway-roles-${reference.name}'
  scope: resourceGroup(reference.resourceGroup)
  params: {
    principalId: identity.outputs.principalId
    registryName: reference.name
  }
}]

module functions 'modules/functions.bicep' = {
  name: 'slipway-functions'
  scope: group
  params: {
    name: 'func-slipway-${token}'
    planName: 'plan-slipway-${token}'
    location: location
    tags: tags
    identityName: identity.outputs.name
    storageAccountName: storage.outputs.name
    deploymentContainerName: storage.outputs.deploymentContainerName
    componentName: monitoring.outputs.componentName
    vaultName: keyVault.outputs.name
    nodeVersion: nodeVersion
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    gitHubAppId: gitHubAppId
    gitHubApiUrl: gitHubApiUrl
    publicUrl: publicUrl
    sweepSchedule: sweepSchedule
    baseCheckSchedule: baseCheckSchedule
    rotatingWebhookSecret: rotatingWebhookSecret
  }
  // An app that starts before its roles exist cannot read its package, its leases or its secrets.
  dependsOn: [roles]
}

output AZURE_LOCATION string = location
output AZURE_RESOURCE_GROUP string = group.name
output AZURE_FUNCTION_APP_NAME string = functions.outputs.name
output AZURE_KEY_VAULT_NAME string = keyVault.outputs.name
output AZURE_STORAGE_ACCOUNT_NAME string = storage.outputs.name
output AZURE_CONTAINER_REGISTRY_ID string = empty(existingRegistries) ? registry!.outputs.id : ''
output AZURE_CONTAINER_REGISTRY_ENDPOINT string = empty(existingRegistries) ? registry!.outputs.loginServer : ''
output SLIPWAY_IDENTITY_CLIENT_ID string = identity.outputs.clientId
output SLIPWAY_HOSTNAME string = functions.outputs.hostName
