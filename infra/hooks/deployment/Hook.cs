using System.Globalization;
using Azure.Core;
using Azure.Identity;

namespace MailGrains.Deployment;

/// <summary>What a hook has to work with, and how its end becomes an exit code.</summary>
public sealed class Hook : IDisposable
{
    private static readonly TimeSpan RequestLimit = TimeSpan.FromMinutes(2);

    private readonly HttpClient _client = new() { Timeout = RequestLimit, MaxResponseContentBufferSize = AzureEndpoint.MaxAnswerBytes };

    private readonly TokenCredential _credential;

    private Hook(TokenCredential credential) => _credential = credential;

    public AzdVariables Variables { get; } = AzdVariables.OfProcess;

    public TextReader Input { get; } = Console.In;

    public TextWriter Output { get; } = Console.Out;

    /// <summary>Whether somebody can be asked.</summary>
    public bool Interactive { get; } = !Console.IsInputRedirected;

    /// <summary>Runs one, and tells in one line why it failed.</summary>
    /// <param name="credential">The login of whoever runs azd.</param>
    /// <returns>0; 1 where it failed, which ends what azd is about to do.</returns>
    public static async Task<int> RunAsync(TokenCredential credential, Func<Hook, CancellationToken, Task> run)
    {
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        using var stop = new CancellationTokenSource();
        ConsoleCancelEventHandler cancel = (_, pressed) =>
        {
            pressed.Cancel = true;
            stop.Cancel();
        };
        Console.CancelKeyPress += cancel;
        try
        {
            using var hook = new Hook(credential);
            await run(hook, stop.Token);
            return 0;
        }
        catch (Exception failure) when (failure is HookException or AuthenticationFailedException or OperationCanceledException)
        {
            await Console.Error.WriteLineAsync(failure switch
            {
                AuthenticationFailedException => $"No login to Azure was found (`azd auth login`): {failure.Message}",
                OperationCanceledException => "Stopped.",
                _ => failure.Message,
            });
            return 1;
        }
        finally
        {
            Console.CancelKeyPress -= cancel;
        }
    }

    /// <summary>Azure Resource Manager.</summary>
    public AzureEndpoint ResourceManager() => new(
        _client, _credential, new Uri("https://management.azure.com"), "https://management.azure.com/.default", Variables["AZURE_TENANT_ID"]);

    /// <summary>The deployment's vault.</summary>
    public AzureEndpoint Vault() => new(
        _client, _credential, new Uri(Variables.Required("AZURE_KEY_VAULT_ENDPOINT")), "https://vault.azure.net/.default", Variables["AZURE_TENANT_ID"]);

    public void Dispose() => _client.Dispose();
}
