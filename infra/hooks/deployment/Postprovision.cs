namespace MailGrains.Deployment;

/// <summary>After everything is there: the operator's key, and what is to be set in DNS.</summary>
public static class Postprovision
{
    /// <exception cref="HookException">The key could not be made.</exception>
    public static async Task RunAsync(Hook hook, CancellationToken cancellationToken)
    {
        var vault = hook.Variables.Required("AZURE_KEY_VAULT_NAME");
        var made = await new OperatorKey(hook.Vault(), TimeProvider.System, hook.Output.WriteLine).EnsureAsync(cancellationToken);
        string[] lines =
        [
            "",
            $"The operator's key is the secret {OperatorKey.SecretName} of the vault {vault}{(made ? ", made just now" : "")}. To read it:",
            $"  az keyvault secret show --vault-name {vault} --name {OperatorKey.SecretName} --query value -o tsv",
            "",
            .. DnsRecords.Describe(hook.Variables),
            "",
        ];
        foreach (var line in lines)
        {
            await hook.Output.WriteLineAsync(line);
        }
    }
}
