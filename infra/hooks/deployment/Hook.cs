using System.Globalization;
using Azure.Core;
using Azure.Identity;

namespace MailGrains.Deployment;

/// <summary>What a hook has to work with, and how its end becomes an exit code.</summary>
/// <param name="credential">The login of whoever runs azd.</param>
/// <param name="variables">Of the azd environment.</param>
/// <param name="input">Who is asked.</param>
/// <param name="output">Who is told.</param>
/// <param name="interactive">Whether somebody can be asked.</param>
public sealed class Hook(TokenCredential credential, AzdVariables variables, TextReader input, TextWriter output, bool interactive) : IDisposable
{
    private static readonly TimeSpan RequestLimit = TimeSpan.FromMinutes(2);

    private readonly HttpClient _client = new() { Timeout = RequestLimit, MaxResponseContentBufferSize = AzureEndpoint.MaxAnswerBytes };

    public AzdVariables Variables => variables;

    public TextReader Input => input;

    public TextWriter Output => output;

    public bool Interactive => interactive;

    /// <summary>Runs one, and tells in one line why it failed.</summary>
    /// <param name="credential">The login of whoever runs azd.</param>
    /// <returns>0; 1 where it failed, which ends what azd is about to do.</returns>
    public static async Task<int> RunAsync(TokenCredential credential, Func<Hook, CancellationToken, Task> run)
    {
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        try
        {
            using var hook = new Hook(credential, AzdVariables.OfProcess, Console.In, Console.Out, !Console.IsInputRedirected);
            await run(hook, CancellationToken.None);
            return 0;
        }
        catch (Exception failure) when (failure is HookException or AuthenticationFailedException)
        {
            await Console.Error.WriteLineAsync(
                failure is HookException ? failure.Message : $"No login to Azure was found (`azd auth login`): {failure.Message}");
            return 1;
        }
    }

    /// <summary>Azure Resource Manager.</summary>
    public AzureEndpoint ResourceManager() => new(
        _client, credential, new Uri("https://management.azure.com"), "https://management.azure.com/.default", Variables["AZURE_TENANT_ID"]);

    /// <summary>The deployment's vault.</summary>
    public AzureEndpoint Vault() => new(
        _client, credential, new Uri(Variables.Required("AZURE_KEY_VAULT_ENDPOINT")), "https://vault.azure.net/.default", Variables["AZURE_TENANT_ID"]);

    public void Dispose() => _client.Dispose();
}
