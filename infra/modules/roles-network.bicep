metadata description = 'Lets the cluster put its load balancer on our public address and its nodes into our subnet.'

param principalId string

// Network Contributor, on the group: the cluster looks for the address by its name among all of the group.
var role = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '4d97b98b-1d4f-4787-a291-c67834d212e7')

resource network 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(resourceGroup().id, principalId, role)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: role
  }
}
