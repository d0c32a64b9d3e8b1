metadata description = 'Lets the deployer administer a cluster that has no local accounts.'

param clusterName string
param deployerPrincipalId string
param deployerPrincipalType string

// Azure Kubernetes Service RBAC Cluster Admin
var admin = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'b1ff04bb-8a4e-4dc4-8eb5-8693973ce19b')

resource cluster 'Microsoft.ContainerService/managedClusters@2025-10-01' existing = {
  name: clusterName
}

resource deployerAdministers 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(cluster.id, deployerPrincipalId, admin)
  scope: cluster
  properties: {
    principalId: deployerPrincipalId
    principalType: deployerPrincipalType
    roleDefinitionId: admin
  }
}
