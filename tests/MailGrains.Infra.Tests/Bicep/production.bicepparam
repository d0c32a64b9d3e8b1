using '../../../infra/main.bicep'

param environmentName = 'prod'
param location = 'westeurope'
param principalId = '11111111-1111-1111-1111-111111111111'
param profile = 'production'
param storageShardCount = 2
param hostName = 'Mail.example.com'
param egressPtrName = 'out.example.com'
param acmeDirectory = 'https://acme.example.com/directory'
param acmeContact = 'postmaster@example.com'
