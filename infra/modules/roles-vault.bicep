metadata description = 'Lets the service read secrets and wrap by its key, and the deployer write secrets.'

param vaultName string
param dataKeyName string

@description('Of the service.')
param principalId string

@description('Empty: nobody beside the service.')
param deployerPrincipalId string
param deployerPrincipalType string

var secretsUser = subscriptionResourceId(
  'Microsoft.Authorization/roleDefinitions',
  '4633458b-17de-408a-b874-0445c86b69e6'
)
var secretsOfficer = subscriptionResourceId(
  'Microsoft.Authorization/roleDefinitions',
  'b86a8fe4-44ce-4948-aee5-eccb2c155cd7'
)
// Key Vault Crypto Service Encryption User: read the public part, wrap, unwrap.
var encryptionUser = subscriptionResourceId(
  'Microsoft.Authorization/roleDefinitions',
  'e147488a-f6f5-4113-8e2d-b22465e65bf6'
)

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' existing = {
  name: vaultName

  resource dataKey 'keys' existing = {
    name: dataKeyName
  }
}

resource serviceReads 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(vault.id, principalId, secretsUser)
  scope: vault
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: secretsUser
  }
}

resource serviceWraps 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(vault::dataKey.id, principalId, encryptionUser)
  scope: vault::dataKey
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: encryptionUser
  }
}

resource deployerWrites 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(deployerPrincipalId)) {
  name: guid(vault.id, deployerPrincipalId, secretsOfficer)
  scope: vault
  properties: {
    principalId: deployerPrincipalId
    principalType: deployerPrincipalType
    roleDefinitionId: secretsOfficer
  }
}
