metadata description = 'The container registry. Everybody who uses it does so under a name of their own.'

param location string
param tags { *: string }
param name string

@allowed(['Basic', 'Standard', 'Premium'])
param sku string

resource registry 'Microsoft.ContainerRegistry/registries@2025-11-01' = {
  name: name
  location: location
  tags: tags
  sku: {
    name: sku
  }
  properties: {
    adminUserEnabled: false
    anonymousPullEnabled: false
  }
}

output name string = registry.name
output endpoint string = registry.properties.loginServer
