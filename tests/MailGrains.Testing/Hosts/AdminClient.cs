using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;

namespace MailGrains.Testing.Hosts;

/// <summary>Makes tenants, domains and mailboxes by the admin API, and reads the metrics.</summary>
public sealed class AdminClient : IDisposable
{
    private const int Parallelism = 16;

    // An order for ten thousand queues takes minutes.
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(15);

    private readonly HttpClient _client;

    /// <param name="http">Where the host listens for HTTP.</param>
    /// <param name="apiKey">The bearer key.</param>
    public AdminClient(IPEndPoint http, string apiKey) => _client = new HttpClient
    {
        BaseAddress = new Uri($"http://{http}/"),
        Timeout = Limit,
        DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue("Bearer", apiKey) },
    };

    public Task PutTenantAsync(string tenant, CancellationToken cancellationToken = default) => PutAsync($"{tenant}", new { }, cancellationToken);

    public Task PutDomainAsync(string tenant, string domain, CancellationToken cancellationToken = default) =>
        PutAsync($"{tenant}/domains/{domain}", new { }, cancellationToken);

    /// <param name="tenant">It must exist.</param>
    /// <param name="address">The mailbox; its domain must exist.</param>
    /// <param name="password">Of its account.</param>
    /// <param name="quotaBytes">The most that it may hold; null for the service's default.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public Task PutMailboxAsync(
        string tenant, string address, string password, long? quotaBytes = null, CancellationToken cancellationToken = default) => PutAsync(
        $"{tenant}/mailboxes/{Uri.EscapeDataString(address)}",
        quotaBytes is { } quota ? new { password, quotaBytes = quota } : new { password },
        cancellationToken);

    public Task PutAliasAsync(string tenant, string address, IEnumerable<string> targets, CancellationToken cancellationToken = default) =>
        PutAsync($"{tenant}/aliases/{Uri.EscapeDataString(address)}", new { targets }, cancellationToken);

    /// <summary>Makes a tenant, the domains of the addresses and a mailbox for each address, several at a time.</summary>
    public async Task PutMailboxesAsync(
        string tenant, IReadOnlyCollection<string> addresses, string password, CancellationToken cancellationToken = default)
    {
        await PutTenantAsync(tenant, cancellationToken);
        foreach (var domain in addresses.Select(a => a[(a.LastIndexOf('@') + 1)..]).Distinct())
        {
            await PutDomainAsync(tenant, domain, cancellationToken);
        }

        var options = new ParallelOptions { MaxDegreeOfParallelism = Parallelism, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(
            addresses, options, async (address, token) => await PutMailboxAsync(tenant, address, password, cancellationToken: token));
    }

    /// <summary>Tries now what waits in all queues of a tenant, whatever back-off there is.</summary>
    public async Task RetryQueuesAsync(string tenant, CancellationToken cancellationToken = default)
    {
        using var reply = await _client.PostAsJsonAsync(new Uri($"api/v1/tenants/{tenant}/queues/retry", UriKind.Relative), new { reason = "a test" }, cancellationToken);
        reply.EnsureSuccessStatusCode();
    }

    /// <summary>A page of the service, such as <c>/metrics</c>.</summary>
    public async Task<string> GetAsync(string path, CancellationToken cancellationToken = default) =>
        await _client.GetStringAsync(new Uri(path, UriKind.Relative), cancellationToken);

    public void Dispose() => _client.Dispose();

    private async Task PutAsync(string path, object body, CancellationToken cancellationToken)
    {
        using var reply = await _client.PutAsJsonAsync(new Uri($"api/v1/tenants/{path}", UriKind.Relative), body, cancellationToken);
        if (!reply.IsSuccessStatusCode)
        {
            var text = await reply.Content.ReadAsStringAsync(cancellationToken);
            throw new HttpRequestException($"PUT {path} was answered {(int)reply.StatusCode}: {text}", null, reply.StatusCode);
        }
    }
}
