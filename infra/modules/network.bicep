metadata description = 'The network of the nodes, the address that mail comes to, and the one that it leaves from.'

param location string
param tags { *: string }

param networkName string
param natGatewayName string
param publicAddressName string
param egressAddressName string

@description('First label of the public address: <label>.<location>.cloudapp.azure.com. The egress address has the same with "-out".')
param dnsLabel string

@description('Name that the egress address stands for in reverse DNS; empty: its own Azure name. Azure refuses one that does not lead to the address.')
param egressPtrName string

@description('Zones of both addresses: all of a region, or none.')
param zones string[]

@description('Whether the nodes send through a NAT gateway; else through outbound rules of their load balancer.')
param natGateway bool

var publicName = '${dnsLabel}.${location}.cloudapp.azure.com'
var egressName = empty(egressPtrName) ? '${dnsLabel}-out.${location}.cloudapp.azure.com' : egressPtrName

resource publicAddress 'Microsoft.Network/publicIPAddresses@2025-05-01' = {
  name: publicAddressName
  location: location
  tags: tags
  sku: {
    name: 'Standard'
    tier: 'Regional'
  }
  zones: zones
  properties: {
    publicIPAllocationMethod: 'Static'
    publicIPAddressVersion: 'IPv4'
    dnsSettings: {
      domainNameLabel: dnsLabel
      reverseFqdn: '${publicName}.'
    }
  }
}

resource egressAddress 'Microsoft.Network/publicIPAddresses@2025-05-01' = {
  name: egressAddressName
  location: location
  tags: tags
  sku: {
    name: 'Standard'
    tier: 'Regional'
  }
  zones: zones
  properties: {
    publicIPAllocationMethod: 'Static'
    publicIPAddressVersion: 'IPv4'
    dnsSettings: {
      domainNameLabel: '${dnsLabel}-out'
      reverseFqdn: '${egressName}.'
    }
  }
}

// Of the SKU that is in one zone, which Azure chooses: while that zone is away, nothing is sent to others (received it is). StandardV2 is in all zones, but
// takes only addresses of its own SKU, and whether those can have a name of ours in reverse DNS is told nowhere; without one, others refuse our mail.
resource gateway 'Microsoft.Network/natGateways@2025-05-01' = if (natGateway) {
  name: natGatewayName
  location: location
  tags: tags
  sku: {
    name: 'Standard'
  }
  properties: {
    // Servers that greet slowly are waited for up to five minutes (RFC 5321 §4.5.3.2); the default of four would cut them off.
    idleTimeoutInMinutes: 30
    publicIpAddresses: [
      {
        id: egressAddress.id
      }
    ]
  }
}

// Without a network security group of its own: AKS keeps one on the nodes' interfaces, with the service's ports and no others.
resource network 'Microsoft.Network/virtualNetworks@2025-05-01' = {
  name: networkName
  location: location
  tags: tags
  properties: {
    addressSpace: {
      addressPrefixes: [
        '10.10.0.0/16'
      ]
    }
    subnets: [
      {
        name: 'nodes'
        properties: {
          addressPrefix: '10.10.0.0/20'
          natGateway: natGateway
            ? {
                id: gateway.id
              }
            : null
          // Mail's bytes go to storage past the NAT gateway, which is paid by the gigabyte; and the accounts let nobody else in.
          serviceEndpoints: [
            {
              service: 'Microsoft.Storage'
            }
            {
              service: 'Microsoft.KeyVault'
            }
          ]
        }
      }
    ]
  }

  resource nodes 'subnets' existing = {
    name: 'nodes'
  }
}

output subnetId string = network::nodes.id
output publicAddressName string = publicAddress.name
output publicAddress string = publicAddress.properties.ipAddress
output publicName string = publicName
output egressAddressId string = egressAddress.id
output egressAddress string = egressAddress.properties.ipAddress
output egressName string = egressName
