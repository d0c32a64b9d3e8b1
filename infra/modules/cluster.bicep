metadata description = 'The Kubernetes cluster: one pool of nodes, which keep nothing.'

param location string
param tags { *: string }
param name string
param nodeResourceGroup string

@allowed(['Free', 'Standard'])
param tier string

param identityId string
param subnetId string

param vmSize string
param zones string[]

@minValue(1)
param minNodes int

@minValue(1)
param maxNodes int

@minValue(30)
param maxPods int

@description('Whether the nodes\' disks are those of their machines, where the size has them: quick, free of charge, gone with the node.')
param ephemeralDisk bool

@minValue(30)
param diskSizeGB int

@description('Whether the nodes send through the subnet\'s NAT gateway; else through outbound rules of the load balancer.')
param natGateway bool

param egressAddressId string
param egressAddress string

@description('No local accounts: only Entra identities with Azure roles. `kubelogin` is needed then.')
param hardened bool

@description('Address ranges that may reach the API server; empty: any.')
param operatorIpRanges string[]

@description('Whether the API server\'s audit log is kept.')
param audited bool

param workspaceId string

resource cluster 'Microsoft.ContainerService/managedClusters@2025-10-01' = {
  name: name
  location: location
  tags: tags
  sku: {
    name: 'Base'
    tier: tier
  }
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    dnsPrefix: name
    nodeResourceGroup: nodeResourceGroup
    enableRBAC: true
    disableLocalAccounts: hardened
    aadProfile: hardened
      ? {
          managed: true
          enableAzureRBAC: true
          tenantID: tenant().tenantId
        }
      : null
    apiServerAccessProfile: {
      authorizedIPRanges: empty(operatorIpRanges) ? [] : concat(operatorIpRanges, ['${egressAddress}/32'])
      disableRunCommand: hardened
    }
    agentPoolProfiles: [
      {
        name: 'mail'
        mode: 'System'
        type: 'VirtualMachineScaleSets'
        osType: 'Linux'
        osSKU: 'AzureLinux'
        vmSize: vmSize
        availabilityZones: zones
        enableAutoScaling: true
        // For the first time. Whether a later deployment takes nodes away that the autoscaler has added is told nowhere; it would add them again.
        count: minNodes
        minCount: minNodes
        maxCount: maxNodes
        maxPods: maxPods
        osDiskType: ephemeralDisk ? 'Ephemeral' : 'Managed'
        osDiskSizeGB: diskSizeGB
        vnetSubnetID: subnetId
        upgradeSettings: {
          maxSurge: '33%'
          // A pod takes up to five minutes to let its sessions go.
          drainTimeoutInMinutes: 30
        }
      }
    ]
    autoScalerProfile: {
      'balance-similar-node-groups': 'true'
      'max-graceful-termination-sec': '600'
      'scale-down-unneeded-time': '15m'
      // Each of our pods has a folder on its node for what is passing, which would keep the node for ever.
      'skip-nodes-with-local-storage': 'false'
    }
    autoUpgradeProfile: {
      upgradeChannel: 'stable'
      nodeOSUpgradeChannel: 'NodeImage'
    }
    networkProfile: {
      networkPlugin: 'azure'
      networkPluginMode: 'overlay'
      networkDataplane: 'cilium'
      networkPolicy: 'cilium'
      podCidr: '10.244.0.0/16'
      serviceCidr: '10.20.0.0/16'
      dnsServiceIP: '10.20.0.10'
      loadBalancerSku: 'standard'
      outboundType: natGateway ? 'userAssignedNATGateway' : 'loadBalancer'
      loadBalancerProfile: natGateway
        ? null
        : {
            idleTimeoutInMinutes: 30
            outboundIPs: {
              publicIPs: [
                {
                  id: egressAddressId
                }
              ]
            }
          }
    }
    oidcIssuerProfile: {
      enabled: true
    }
    securityProfile: {
      workloadIdentity: {
        enabled: true
      }
      imageCleaner: {
        enabled: true
        intervalHours: 168
      }
    }
    // No volume is ever mounted: their drivers would only take memory.
    storageProfile: {
      blobCSIDriver: {
        enabled: false
      }
      diskCSIDriver: {
        enabled: false
      }
      fileCSIDriver: {
        enabled: false
      }
      snapshotController: {
        enabled: false
      }
    }
  }

  resource upgrades 'maintenanceConfigurations' = {
    name: 'aksManagedAutoUpgradeSchedule'
    properties: {
      maintenanceWindow: {
        schedule: {
          weekly: {
            intervalWeeks: 1
            dayOfWeek: 'Sunday'
          }
        }
        durationHours: 4
        startTime: '01:00'
        utcOffset: '+00:00'
      }
    }
  }

  resource nodeImages 'maintenanceConfigurations' = {
    name: 'aksManagedNodeOSUpgradeSchedule'
    properties: {
      maintenanceWindow: {
        schedule: {
          weekly: {
            intervalWeeks: 1
            dayOfWeek: 'Wednesday'
          }
        }
        durationHours: 4
        startTime: '01:00'
        utcOffset: '+00:00'
      }
    }
  }
}

resource audit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = if (audited) {
  name: 'audit'
  scope: cluster
  properties: {
    workspaceId: workspaceId
    logAnalyticsDestinationType: 'Dedicated'
    logs: [
      {
        category: 'kube-audit-admin'
        enabled: true
      }
      {
        category: 'guard'
        enabled: true
      }
    ]
  }
}

output name string = cluster.name
output issuer string = cluster.properties.oidcIssuerProfile.issuerURL
output kubeletPrincipalId string = cluster.properties.identityProfile.kubeletidentity.objectId
