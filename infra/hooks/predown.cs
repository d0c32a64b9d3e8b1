#:package Azure.Identity
#:project deployment/MailGrains.Deployment.csproj
#:property PublishAot=false

using Azure.Identity;
using MailGrains.Deployment;

// As whoever runs azd; a pipeline is logged in to both.
return await Hook.RunAsync(new ChainedTokenCredential(new AzureDeveloperCliCredential(), new AzureCliCredential()), Predown.RunAsync);
