using System.Net;
using System.Security.Cryptography;
using System.Text.Json;

namespace MailGrains.Deployment;

/// <summary>
/// The operator's key as a secret of the vault, which the host reads as its setting <c>MailGrains:Admin:ApiKey</c>. It is made once, and
/// nobody is shown it here.
/// </summary>
/// <param name="vault">The vault.</param>
/// <param name="time">For waits.</param>
/// <param name="report">Gets a line before each wait.</param>
public sealed class OperatorKey(AzureEndpoint vault, TimeProvider time, Action<string> report)
{
    public const string SecretName = "MailGrains--Admin--ApiKey";

    /// <summary>Roles given by a deployment hold within some minutes; Azure names ten.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(12);

    private const string Path = $"/secrets/{SecretName}?api-version=7.4";

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(10);

    /// <returns>Whether it was made now; else it was there.</returns>
    /// <exception cref="HookException">The vault does not let us, or did not answer in time.</exception>
    public async Task<bool> EnsureAsync(CancellationToken cancellationToken)
    {
        var until = time.GetUtcNow() + Patience;
        var found = await AskAsync(() => vault.GetAsync(Path, cancellationToken), until, cancellationToken);
        switch (found.Status)
        {
            case HttpStatusCode.OK:
                return false;
            case HttpStatusCode.NotFound:
                break;
            default:
                throw Refused("read", found);
        }

        var body = new
        {
            value = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32)),
            contentType = "text/plain",
            tags = new Dictionary<string, string> { ["made-by"] = "azd" },
        };
        var made = await AskAsync(() => vault.PutAsync(Path, body, cancellationToken), until, cancellationToken);
        return made.Status == HttpStatusCode.OK ? true : throw Refused("write", made);
    }

    private async Task<AzureAnswer> AskAsync(Func<Task<AzureAnswer>> ask, DateTimeOffset until, CancellationToken cancellationToken)
    {
        while (true)
        {
            var (answer, reason) = await TryAsync(ask);
            if (answer is not null && !MayPass(answer))
            {
                return answer;
            }

            var pause = answer?.RetryAfter ?? Pause;
            if (time.GetUtcNow() + pause > until)
            {
                return answer ?? throw new HookException($"The vault did not answer: {reason}.");
            }

            report($"The vault does not answer yet ({reason}); asked again in {pause.TotalSeconds:0} s.");
            await Task.Delay(pause, time, cancellationToken);
        }
    }

    private static async Task<(AzureAnswer? Answer, string Reason)> TryAsync(Func<Task<AzureAnswer>> ask)
    {
        try
        {
            var answer = await ask();
            return (answer, $"{(int)answer.Status} {answer.ErrorCode}".TrimEnd());
        }
        catch (HttpRequestException failure)
        {
            return (null, failure.Message);
        }
    }

    /// <summary>A role that does not hold yet, a vault whose name is not known yet, or one that is busy; a firewall stays as it is.</summary>
    private static bool MayPass(AzureAnswer answer) => answer.Status switch
    {
        HttpStatusCode.Forbidden => answer.ErrorCode is not "ForbiddenByFirewall",
        HttpStatusCode.TooManyRequests or HttpStatusCode.RequestTimeout => true,
        >= HttpStatusCode.InternalServerError => true,
        _ => false,
    };

    private static HookException Refused(string verb, AzureAnswer answer) => new((answer.ErrorCode, answer.Status) switch
    {
        ("ForbiddenByFirewall", _) =>
            $"The vault's firewall does not let this machine {verb} {SecretName}. Add its address to MAILGRAINS_OPERATOR_IP_RANGES and run `azd up` again.",
        (_, HttpStatusCode.Forbidden) =>
            $"This login may not {verb} {SecretName}, and {Patience.TotalMinutes:0} minutes did not change that: it needs the role Key Vault Secrets Officer on the vault.",
        ("ObjectIsDeletedButRecoverable", _) =>
            $"{SecretName} was deleted and can be had back: `az keyvault secret recover --name {SecretName} --vault-name <vault>`, then `azd up` again.",
        _ => $"The vault refused to {verb} {SecretName}: {(int)answer.Status} {answer.ErrorCode}".TrimEnd() + ".",
    });
}
