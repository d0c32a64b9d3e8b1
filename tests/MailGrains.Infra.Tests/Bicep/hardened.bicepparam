using '../../../infra/main.bicep'

param environmentName = 'hard'
param location = 'westeurope'
param principalId = '11111111-1111-1111-1111-111111111111'
param principalType = 'ServicePrincipal'
param profile = 'production'
param hardened = true
param operatorIpRanges = '192.0.2.0/24, 198.51.100.7/32'
param smartHost = 'smtp.example.net'
param smartHostUser = 'mailgrains'
param smartHostPassword = 'open sesame'
