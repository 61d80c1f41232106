// The function app on Flex Consumption. No setting holds a key: storage by identity, secrets by Key Vault reference.
// Deliberately absent because Flex takes them from functionAppConfig or refuses them: FUNCTIONS_WORKER_RUNTIME,
// FUNCTIONS_EXTENSION_VERSION, WEBSITE_RUN_FROM_PACKAGE, WEBSITE_CONTENT*, linuxFxVersion.
param name string
param planName string
param location string
param tags object
param identityName string
param storageAccountName string
param deploymentContainerName string
param componentName string
param vaultName string
param nodeVersion string
param instanceMemoryMB int
param maximumInstanceCount int
param gitHubAppId string
param gitHubApiUrl string
param publicUrl string
param sweepSchedule string
param baseCheckSchedule string
param rotatingWebhookSecret bool

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: identityName
}

resource account 'Microsoft.Storage/storageAccounts@2025-01-01' existing = {
  name: storageAccountName
}

resource component 'Microsoft.Insights/components@2020-02-02' existing = {
  name: componentName
}

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' existing = {
  name: vaultName
}

// No version in the URI: a new version is picked up within a day, or at once by a restart.
var secretsUri = '${vault.properties.vaultUri}secrets'

resource plan 'Microsoft.Web/serverfarms@2024-11-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: { name: 'FC1', tier: 'FlexConsumption' }
  properties: { reserved: true }
}

resource site 'Microsoft.Web/sites@2024-11-01' = {
  name: name
  location: location
  tags: union(tags, { 'azd-service-name': 'api' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identity.id}': {} }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    keyVaultReferenceIdentity: identity.id
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${account.properties.primaryEndpoints.blob}${deploymentContainerName}'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identity.id
          }
        }
      }
      runtime: { name: 'node', version: nodeVersion }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstanceCount
      }
    }
    siteConfig: {
      minTlsVersion: '1.2'
      appSettings: [
        { name: 'AzureWebJobsStorage__credential', value: 'managedidentity' }
        { name: 'AzureWebJobsStorage__clientId', value: identity.properties.clientId }
        { name: 'AzureWebJobsStorage__blobServiceUri', value: account.properties.primaryEndpoints.blob }
        { name: 'AzureWebJobsStorage__queueServiceUri', value: account.properties.primaryEndpoints.queue }
        { name: 'AzureWebJobsStorage__tableServiceUri', value: account.properties.primaryEndpoints.table }
        // The same account today; a second name, so that state can move out of the host's account without a code change.
        { name: 'SlipwayStorage__credential', value: 'managedidentity' }
        { name: 'SlipwayStorage__clientId', value: identity.properties.clientId }
        { name: 'SlipwayStorage__blobServiceUri', value: account.properties.primaryEndpoints.blob }
        { name: 'SlipwayStorage__queueServiceUri', value: account.properties.primaryEndpoints.queue }
        { name: 'SlipwayStorage__tableServiceUri', value: account.properties.primaryEndpoints.table }
        { name: 'AZURE_CLIENT_ID', value: identity.properties.clientId }
        { name: 'APPLICATIONINSIGHTS_CONNECTION_STRING', value: component.properties.ConnectionString }
        { name: 'APPLICATIONINSIGHTS_AUTHENTICATION_STRING', value: 'ClientId=${identity.properties.clientId};Authorization=AAD' }
        { name: 'SLIPWAY_GITHUB_APP_ID', value: gitHubAppId }
        { name: 'SLIPWAY_GITHUB_APP_PRIVATE_KEY', value: '@Microsoft.KeyVault(SecretUri=${secretsUri}/github-app-private-key)' }
        { name: 'SLIPWAY_GITHUB_WEBHOOK_SECRET', value: '@Microsoft.KeyVault(SecretUri=${secretsUri}/github-webhook-secret)' }
        // Only while rotating: a reference to a secret that does not exist would be handed to the app as its own text.
        { name: 'SLIPWAY_GITHUB_WEBHOOK_SECRET_PREVIOUS', value: rotatingWebhookSecret ? '@Microsoft.KeyVault(SecretUri=${secretsUri}/github-webhook-secret-previous)' : '' }
        { name: 'SLIPWAY_GITHUB_API_URL', value: gitHubApiUrl }
        { name: 'SLIPWAY_ARM_ENDPOINT', value: environment().resourceManager }
        // Travels in the package (.funcignore lets it through); absolute, because the worker's folder is not promised.
        { name: 'SLIPWAY_PLATFORM_FILE', value: '/home/site/wwwroot/slipway.platform.yaml' }
        // An empty value counts as not set; the app then takes the name Azure gave it (WEBSITE_HOSTNAME).
        { name: 'SLIPWAY_PUBLIC_URL', value: publicUrl }
        { name: 'SLIPWAY_SWEEP_SCHEDULE', value: sweepSchedule }
        { name: 'SLIPWAY_BASE_CHECK_SCHEDULE', value: baseCheckSchedule }
      ]
    }
  }
}

// No user name and password for publishing; deployments come with an Entra token.
resource scmPassword 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-11-01' = {
  parent: site
  name: 'scm'
  properties: { allow: false }
}

resource ftpPassword 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-11-01' = {
  parent: site
  name: 'ftp'
  properties: { allow: false }
}

output name string = site.name
output hostName string = site.properties.defaultHostName
