// Holds the GitHub App's private key and the webhook secret. Values are written by a person (docs/deploy.md), never by
// this template: a deployment keeps its parameters, and azd keeps its environment in a file.
param name string
param location string
param tags object

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: subscription().tenantId
    sku: { family: 'A', name: 'standard' }
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: 90
    // Cannot be taken back: a deleted vault keeps its name for 90 days. Better than a private key deleted for good.
    enablePurgeProtection: true
    publicNetworkAccess: 'Enabled'
  }
}

output name string = vault.name
