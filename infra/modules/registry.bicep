// The registry Slipway builds in, when none is given.
param name string
param location string
param tags object
param sku string

resource registry 'Microsoft.ContainerRegistry/registries@2025-11-01' = {
  name: name
  location: location
  tags: tags
  sku: { name: sku }
  properties: {
    // One shared password for everything: never.
    adminUserEnabled: false
    // Said aloud because Azure's default is moving. In AbacRepositoryPermissions mode AcrPull and AcrPush count for
    // nothing and a build gets no access to its own registry unless each request asks for it, which needs an API
    // version that the SDK in use does not speak.
    roleAssignmentMode: 'LegacyRegistryPermissions'
    policies: {
      // The app signs in to the data plane with a token for Resource Manager (src/oci/acr-token.ts); off, /oauth2/exchange refuses it.
      azureADAuthenticationAsArmPolicy: { status: 'enabled' }
    }
    publicNetworkAccess: 'Enabled'
  }
}

output name string = registry.name
output id string = registry.id
output loginServer string = registry.properties.loginServer
