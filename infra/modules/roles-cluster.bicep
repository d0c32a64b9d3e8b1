metadata description = 'Lets the deployer administer the group\'s cluster, which has no local accounts.'

param deployerPrincipalId string
param deployerPrincipalType string

// Azure Kubernetes Service RBAC Cluster Admin, on the group: the cluster inherits it, and it can be given before the cluster is there.
var admin = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'b1ff04bb-8a4e-4dc4-8eb5-8693973ce19b')

resource deployerAdministers 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(resourceGroup().id, deployerPrincipalId, admin)
  properties: {
    principalId: deployerPrincipalId
    principalType: deployerPrincipalType
    roleDefinitionId: admin
  }
}
