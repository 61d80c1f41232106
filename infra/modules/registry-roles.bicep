// What the app's identity may do on one registry. Deployed into the registry's own resource group.
param principalId string
param registryName string

var roleIds = {
  // Read the registry, schedule and cancel runs, list them, read their logs, upload a context. In effect this reaches
  // every image of the registry, because a run may push and pull; so AcrPush below adds convenience, not power.
  'Container Registry Tasks Contributor': 'fb382eab-e894-4461-af04-94435c366c3f'
  // Read manifests, to know what a tag points at, and PUT a manifest under a stable tag, to put a tag right that a late
  // or cancelled run has moved. Includes pull, so AcrPull is not assigned. No right to delete: unique tags stay.
  AcrPush: '8311e382-0749-4cb8-b61a-304f252e45ec'
}

resource registry 'Microsoft.ContainerRegistry/registries@2025-11-01' existing = {
  name: registryName
}

resource runs 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(registry.id, principalId, roleIds['Container Registry Tasks Contributor'])
  scope: registry
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds['Container Registry Tasks Contributor'])
  }
}

resource images 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(registry.id, principalId, roleIds.AcrPush)
  scope: registry
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds.AcrPush)
  }
}
