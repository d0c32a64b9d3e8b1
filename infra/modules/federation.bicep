metadata description = 'Lets a service account of the cluster act under an identity (workload identity).'

param identityName string
param issuer string
param namespace string
param serviceAccount string

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: identityName

  resource credential 'federatedIdentityCredentials' = {
    name: '${namespace}-${serviceAccount}'
    properties: {
      issuer: issuer
      subject: 'system:serviceaccount:${namespace}:${serviceAccount}'
      audiences: [
        'api://AzureADTokenExchange'
      ]
    }
  }
}
