metadata description = 'One storage account: tables and blobs, for the nodes of one subnet, by their identity.'

param location string
param tags { *: string }
param name string

@allowed(['Standard_LRS', 'Standard_ZRS'])
param sku string

param subnetId string

@description('How long a deleted blob or container can be had back. It is paid for meanwhile.')
@minValue(7)
param softDeleteDays int

resource account 'Microsoft.Storage/storageAccounts@2025-01-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: {
    name: sku
  }
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: 'Enabled'
    networkAcls: {
      bypass: 'None'
      defaultAction: 'Deny'
      virtualNetworkRules: [
        {
          id: subnetId
          action: 'Allow'
        }
      ]
    }
  }

  resource blobs 'blobServices' = {
    name: 'default'
    properties: {
      deleteRetentionPolicy: {
        enabled: true
        days: softDeleteDays
      }
      containerDeleteRetentionPolicy: {
        enabled: true
        days: softDeleteDays
      }
      // A blob is written once and never changed: versions would only be paid for.
      isVersioningEnabled: false
    }
  }
}
