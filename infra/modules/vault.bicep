metadata description = 'The key vault: the key that wraps other keys, and secrets that become settings.'

param location string
param tags { *: string }
param name string

@description('Name of the RSA key that wraps what the service encrypts.')
param dataKeyName string

@minValue(7)
@maxValue(90)
param softDeleteDays int

param subnetId string

@description('Address ranges that may reach it beside the nodes; empty: any.')
param operatorIpRanges string[]

@description('Password at the smart host; empty: none is written.')
@secure()
param smartHostPassword string

param workspaceId string

// Where one of this name was deleted, the first hook has brought it back before.
resource vault 'Microsoft.KeyVault/vaults@2024-11-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: {
      family: 'A'
      name: 'standard'
    }
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: softDeleteDays
    enablePurgeProtection: true
    publicNetworkAccess: 'Enabled'
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: empty(operatorIpRanges) ? 'Allow' : 'Deny'
      ipRules: [
        for range in operatorIpRanges: {
          value: range
        }
      ]
      virtualNetworkRules: [
        {
          id: subnetId
        }
      ]
    }
  }

  resource dataKey 'keys' = {
    name: dataKeyName
    properties: {
      kty: 'RSA'
      keySize: 3072
      keyOps: [
        'wrapKey'
        'unwrapKey'
      ]
      // What an older version has wrapped names that version, which stays. No version expires: an expired one wraps no more.
      rotationPolicy: {
        lifetimeActions: [
          {
            trigger: {
              timeAfterCreate: 'P1Y'
            }
            action: {
              type: 'rotate'
            }
          }
        ]
      }
    }
  }

  // The host reads `MailGrains--A--B` as its setting `MailGrains:A:B`.
  resource password 'secrets' = if (!empty(smartHostPassword)) {
    name: 'MailGrains--Relay--Routes--0--Password'
    properties: {
      contentType: 'text/plain'
      value: smartHostPassword
    }
  }
}

resource audit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'audit'
  scope: vault
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        categoryGroup: 'audit'
        enabled: true
      }
    ]
  }
}

output name string = vault.name
output endpoint string = vault.properties.vaultUri
