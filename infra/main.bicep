targetScope = 'subscription'

metadata name = 'MailGrains'
metadata description = 'The mail service on a Kubernetes cluster, with its storage, keys, registry and addresses.'

// Every parameter can be set by `azd env set`; main.parameters.json says by which name. Empty or 0 stands for what the profile says.

@minLength(1)
@maxLength(64)
@description('Name of the azd environment.')
param environmentName string

@minLength(1)
param location string

@description('Object id of who deploys; empty: nobody gets roles beside the service.')
param principalId string

@allowed(['User', 'ServicePrincipal'])
param principalType string = 'User'

@allowed(['dev', 'production'])
@description('`dev`: one small node, everything in one place. `production`: three zones, no single machine that mail depends on.')
param profile string = 'dev'

@description('Size of a node.')
param vmSize string = ''

@description('Comma-separated zones of the nodes; `none` where a region has no zones. Addresses and data are in all three of a region, or in none.')
param zones string = ''

@minValue(0)
param minNodes int = 0

@minValue(0)
param maxNodes int = 0

@minValue(0)
param minReplicas int = 0

@minValue(0)
param maxReplicas int = 0

@description('Processor time that a pod asks for, such as 500m.')
param cpuRequest string = ''

param memoryRequest string = ''

param memoryLimit string = ''

@description('How many storage accounts mail is spread over. Only ever raised: an owner stays in the account that it was made in.')
@minValue(1)
@maxValue(64)
param storageShardCount int = 1

@description('Name of the service in greetings and certificates; empty: the Azure name of the public address.')
param hostName string = ''

@description('Name that the sending address stands for in reverse DNS; its A record must lead there before it is set.')
param egressPtrName string = ''

@description('Host that takes all mail for other servers; empty: it is sent to their own servers on port 25.')
param smartHost string = ''

@minValue(1)
@maxValue(65535)
param smartHostPort int = 587

param smartHostUser string = ''

@secure()
param smartHostPassword string = ''

@description('Directory of the certification authority (RFC 8555 §7.1.1); empty or `none`: none, certificates stay self-signed.')
param acmeDirectory string = ''

@description('Where the authority writes to about certificates.')
param acmeContact string = ''

@description('No local accounts in the cluster and no commands through its API; `kubelogin` is needed then.')
param hardened bool = false

@description('Comma-separated address ranges (CIDR) of operators and pipelines. Where given, only they and the nodes reach the cluster\'s API and the vault.')
param operatorIpRanges string = ''

@description('Name of the RSA key that wraps what the service encrypts.')
param dataKeyName string = 'mailgrains-data'

var abbrs = loadJsonContent('abbreviations.json')
var resourceToken = toLower(uniqueString(subscription().id, environmentName, location))
var tags = {
  'azd-env-name': environmentName
}

// Two pods fit a node of each profile, beside what the cluster itself runs: while a release takes the place of another, both are there. dev's one node of
// two processors is less than AKS names for a pool that also carries its own pods (two nodes of four): it does, with little to spare, and an upgrade
// or the loss of the node interrupts the service.
var profiles = loadJsonContent('profiles.json')
var chosen = profiles[profile]

var zonesText = empty(zones) ? chosen.zones : zones
var zoneList = zonesText == 'none' ? [] : map(split(zonesText, ','), zone => trim(zone))
var zoneRedundant = !empty(zoneList)
var storageSku = zoneRedundant ? chosen.storageSku : 'Standard_LRS'
// Where somebody raises the least above the most that is said elsewhere, the least wins.
var leastNodes = max(1, minNodes == 0 ? chosen.minNodes : minNodes)
var mostNodes = max(leastNodes, maxNodes == 0 ? chosen.maxNodes : maxNodes)
var leastReplicas = max(1, minReplicas == 0 ? chosen.minReplicas : minReplicas)
var mostReplicas = max(leastReplicas, maxReplicas == 0 ? chosen.maxReplicas : maxReplicas)
var operatorRanges = empty(operatorIpRanges) ? [] : map(split(operatorIpRanges, ','), range => trim(range))

var namespace = 'mailgrains'
var clusterName = '${abbrs.managedCluster}${resourceToken}'
var registryName = '${abbrs.containerRegistry}${resourceToken}'
var vaultName = '${abbrs.keyVault}${resourceToken}'
var serviceIdentityName = '${abbrs.userAssignedIdentity}${resourceToken}-service'
var clusterIdentityName = '${abbrs.userAssignedIdentity}${resourceToken}-cluster'
var accountNames = [for number in range(0, storageShardCount): '${abbrs.storageAccount}${resourceToken}m${number}']
var clusterAccountName = '${abbrs.storageAccount}${resourceToken}cluster'

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: '${abbrs.resourceGroup}${environmentName}'
  location: location
  tags: tags
}

module network 'modules/network.bicep' = {
  scope: group
  params: {
    location: location
    tags: tags
    networkName: '${abbrs.virtualNetwork}${resourceToken}'
    natGatewayName: '${abbrs.natGateway}${resourceToken}'
    publicAddressName: '${abbrs.publicIPAddress}${resourceToken}'
    egressAddressName: '${abbrs.publicIPAddress}${resourceToken}-out'
    dnsLabel: 'mail-${resourceToken}'
    egressPtrName: egressPtrName
    zones: zoneRedundant ? ['1', '2', '3'] : []
    natGateway: chosen.natGateway
  }
}

module monitoring 'modules/monitoring.bicep' = {
  scope: group
  params: {
    location: location
    tags: tags
    workspaceName: '${abbrs.logAnalyticsWorkspace}${resourceToken}'
    applicationInsightsName: '${abbrs.applicationInsights}${resourceToken}'
    retentionInDays: chosen.logDays
    dailyQuotaGb: chosen.logDailyQuotaGb
  }
}

module registry 'modules/registry.bicep' = {
  scope: group
  params: {
    location: location
    tags: tags
    name: registryName
    sku: chosen.registrySku
  }
}

module accounts 'modules/storage.bicep' = [
  for name in accountNames: {
    scope: group
    params: {
      location: location
      tags: tags
      name: name
      sku: storageSku
      subnetId: network.outputs.subnetId
      softDeleteDays: 7
    }
  }
]

// What Orleans keeps of the cluster is apart: where mail is throttled, membership must not be.
module clusterAccount 'modules/storage.bicep' = {
  scope: group
  params: {
    location: location
    tags: tags
    name: clusterAccountName
    sku: storageSku
    subnetId: network.outputs.subnetId
    softDeleteDays: 7
  }
}

module vault 'modules/vault.bicep' = {
  scope: group
  params: {
    location: location
    tags: tags
    name: vaultName
    dataKeyName: dataKeyName
    softDeleteDays: chosen.vaultSoftDeleteDays
    subnetId: network.outputs.subnetId
    operatorIpRanges: operatorRanges
    smartHostPassword: smartHostPassword
    workspaceId: monitoring.outputs.workspaceId
  }
}

module serviceIdentity 'modules/identity.bicep' = {
  scope: group
  params: {
    location: location
    tags: tags
    name: serviceIdentityName
  }
}

module clusterIdentity 'modules/identity.bicep' = {
  scope: group
  params: {
    location: location
    tags: tags
    name: clusterIdentityName
  }
}

module networkRoles 'modules/roles-network.bicep' = {
  scope: group
  params: {
    principalId: clusterIdentity.outputs.principalId
  }
}

// Long before the first command of azd's, which comes as soon as the cluster is there: a role takes minutes to hold.
module clusterRoles 'modules/roles-cluster.bicep' = if (hardened && !empty(principalId)) {
  scope: group
  params: {
    deployerPrincipalId: principalId
    deployerPrincipalType: principalType
  }
}

module cluster 'modules/cluster.bicep' = {
  scope: group
  params: {
    location: location
    tags: tags
    name: clusterName
    nodeResourceGroup: '${abbrs.resourceGroup}${environmentName}-nodes'
    tier: chosen.clusterTier
    identityId: clusterIdentity.outputs.id
    subnetId: network.outputs.subnetId
    vmSize: empty(vmSize) ? chosen.vmSize : vmSize
    zones: zoneList
    minNodes: leastNodes
    maxNodes: mostNodes
    maxPods: chosen.maxPods
    ephemeralDisk: chosen.ephemeralDisk
    diskSizeGB: chosen.diskSizeGB
    natGateway: chosen.natGateway
    egressAddressId: network.outputs.egressAddressId
    egressAddress: network.outputs.egressAddress
    hardened: hardened
    operatorIpRanges: operatorRanges
    audited: chosen.clusterAudit
    workspaceId: monitoring.outputs.workspaceId
  }
  dependsOn: [
    networkRoles
  ]
}

module federation 'modules/federation.bicep' = {
  scope: group
  params: {
    identityName: serviceIdentityName
    issuer: cluster.outputs.issuer
    namespace: namespace
    serviceAccount: 'mailgrains'
  }
  dependsOn: [
    serviceIdentity
  ]
}

module accountRoles 'modules/roles-storage.bicep' = [
  for name in accountNames: {
    scope: group
    params: {
      accountName: name
      principalId: serviceIdentity.outputs.principalId
    }
    dependsOn: [
      accounts
    ]
  }
]

module clusterAccountRoles 'modules/roles-storage.bicep' = {
  scope: group
  params: {
    accountName: clusterAccountName
    principalId: serviceIdentity.outputs.principalId
  }
  dependsOn: [
    clusterAccount
  ]
}

module vaultRoles 'modules/roles-vault.bicep' = {
  scope: group
  params: {
    vaultName: vaultName
    dataKeyName: dataKeyName
    principalId: serviceIdentity.outputs.principalId
    deployerPrincipalId: principalId
    deployerPrincipalType: principalType
  }
  dependsOn: [
    vault
  ]
}

module registryRoles 'modules/roles-registry.bicep' = {
  scope: group
  params: {
    registryName: registryName
    kubeletPrincipalId: cluster.outputs.kubeletPrincipalId
    deployerPrincipalId: principalId
    deployerPrincipalType: principalType
  }
  dependsOn: [
    registry
  ]
}

// azd keeps outputs as variables of the environment; manifests and hooks read them there. None but the region's has the name of one that can be set: it
// would be taken for a setting from then on, and "azd down" would delete what the operator set.

output AZURE_LOCATION string = location
output AZURE_TENANT_ID string = tenant().tenantId
output AZURE_RESOURCE_GROUP string = group.name
output AZURE_AKS_CLUSTER_NAME string = cluster.outputs.name
output AZURE_CONTAINER_REGISTRY_ENDPOINT string = registry.outputs.endpoint
output AZURE_CONTAINER_REGISTRY_NAME string = registry.outputs.name
output AZURE_KEY_VAULT_NAME string = vault.outputs.name
output AZURE_KEY_VAULT_ENDPOINT string = vault.outputs.endpoint
output APPLICATIONINSIGHTS_CONNECTION_STRING string = monitoring.outputs.connectionString
output MAILGRAINS_IDENTITY_CLIENT_ID string = serviceIdentity.outputs.clientId
output MAILGRAINS_PUBLIC_IP_NAME string = network.outputs.publicAddressName
output MAILGRAINS_PUBLIC_IP_ADDRESS string = network.outputs.publicAddress
output MAILGRAINS_PUBLIC_FQDN string = network.outputs.publicName
output MAILGRAINS_EGRESS_IP_ADDRESS string = network.outputs.egressAddress
output MAILGRAINS_DEPLOYED_EGRESS_PTR string = network.outputs.egressName
output MAILGRAINS_DEPLOYED_HOST_NAME string = empty(hostName) ? network.outputs.publicName : toLower(hostName)
output MAILGRAINS_STORAGE_URIS string = join(
  map(accountNames, name => 'https://${name}.blob.${environment().suffixes.storage}'),
  ','
)
output MAILGRAINS_CLUSTER_STORAGE_URI string = 'https://${clusterAccountName}.blob.${environment().suffixes.storage}'
output MAILGRAINS_DEPLOYED_DATA_KEY_NAME string = dataKeyName
output MAILGRAINS_DEPLOYED_MIN_REPLICAS int = leastReplicas
output MAILGRAINS_DEPLOYED_MAX_REPLICAS int = mostReplicas
output MAILGRAINS_DEPLOYED_CPU_REQUEST string = empty(cpuRequest) ? chosen.cpuRequest : cpuRequest
output MAILGRAINS_DEPLOYED_MEMORY_REQUEST string = empty(memoryRequest) ? chosen.memoryRequest : memoryRequest
output MAILGRAINS_DEPLOYED_MEMORY_LIMIT string = empty(memoryLimit) ? chosen.memoryLimit : memoryLimit
output MAILGRAINS_DEPLOYED_ACME_DIRECTORY string = toLower(acmeDirectory) == 'none' ? '' : acmeDirectory
output MAILGRAINS_DEPLOYED_ACME_CONTACT string = acmeContact
output MAILGRAINS_DEPLOYED_SMART_HOST string = smartHost
output MAILGRAINS_DEPLOYED_SMART_HOST_PORT int = smartHostPort
output MAILGRAINS_DEPLOYED_SMART_HOST_USER string = smartHostUser
