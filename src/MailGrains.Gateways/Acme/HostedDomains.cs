using System.Runtime.CompilerServices;
using MailGrains.Contracts.Directory;

namespace MailGrains.Gateways.Acme;

/// <summary>The domains of all tenants, page by page.</summary>
internal static class HostedDomains
{
    private const int PageSize = 500;

    public static async IAsyncEnumerable<CertificateKey> ListAsync(IGrainFactory grains, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var directory = grains.GetGrain<IDirectoryGrain>(0);
        await foreach (var tenant in PagesAsync(after => directory.ListTenantsAsync(after, PageSize, cancellationToken)))
        {
            var grain = grains.GetGrain<ITenantGrain>(tenant);
            await foreach (var domain in PagesAsync(after => grain.ListAsync(DirectoryCollection.Domains, after, PageSize, cancellationToken)))
            {
                yield return new CertificateKey(tenant, domain);
            }
        }
    }

    /// <summary>Whether the name is a hosted domain of another tenant than this: then it is not this one's to have a certificate for.</summary>
    public static async Task<bool> IsForeignAsync(IGrainFactory grains, string name, string tenant, CancellationToken cancellationToken) =>
        await grains.GetGrain<IDomainGrain>(name).FindAsync(cancellationToken) is { } record && record.Tenant != tenant;

    private static async IAsyncEnumerable<string> PagesAsync(Func<string?, ValueTask<DirectoryPage>> read)
    {
        string? after = null;
        do
        {
            var page = await read(after);
            foreach (var name in page.Names)
            {
                yield return name;
            }

            after = page.Next;
        }
        while (after is not null);
    }
}
