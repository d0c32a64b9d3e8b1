using System.Runtime.CompilerServices;
using MailGrains.Contracts.Directory;
using Microsoft.Extensions.Logging;

namespace MailGrains.Gateways.Acme;

/// <summary>
/// One way through the domains of all tenants, page by page; it may be left anywhere and gone on with from there. A tenant that can't be read is passed
/// over, and the next way comes to it again. Used by one caller at a time.
/// </summary>
internal sealed partial class DomainWalk(IGrainFactory grains, ILogger logger)
{
    /// <summary>Then it is not the tenants: it is gone on with later.</summary>
    private const int MostUnreadInARow = 3;
    private const int PageSize = 500;

    private readonly Queue<string> _tenants = [];
    private string? _afterTenants;
    private string? _afterDomain;
    private bool _hasAllTenants;

    public bool IsComplete { get; private set; }

    public HashSet<CertificateKey> Seen { get; } = [];

    /// <summary>The tenants that could not be read, or not to their end.</summary>
    public HashSet<string> Unread { get; } = new(StringComparer.Ordinal);

    public async IAsyncEnumerable<CertificateKey> GoOnAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var unread = 0;
        while (await HasTenantAsync(cancellationToken))
        {
            var tenant = _tenants.Peek();
            DirectoryPage? page;
            do
            {
                page = await ReadAsync(tenant, unread, cancellationToken);
                if (page is null)
                {
                    unread++;
                    break;
                }

                unread = 0;
                foreach (var domain in page.Names)
                {
                    _afterDomain = domain;
                    var key = new CertificateKey(tenant, domain);
                    Seen.Add(key);
                    yield return key;
                }

                _afterDomain = page.Next;
            }
            while (page.Next is not null);
            _afterDomain = null;
            _tenants.Dequeue();
        }

        IsComplete = true;
    }

    /// <summary>Null: it can't be read.</summary>
    /// <param name="before">How many could not, just before.</param>
    private async Task<DirectoryPage?> ReadAsync(string tenant, int before, CancellationToken cancellationToken)
    {
        try
        {
            return await grains.GetGrain<ITenantGrain>(tenant).ListAsync(DirectoryCollection.Domains, _afterDomain, PageSize, cancellationToken);
        }
        catch (Exception e) when (before + 1 < MostUnreadInARow && !cancellationToken.IsCancellationRequested)
        {
            Unread.Add(tenant);
            LogUnread(tenant, e.Message);
            return null;
        }
    }

    [LoggerMessage(30, LogLevel.Warning, "The domains of tenant {Tenant} can't be read now, those of the others are looked at for certificates: {Why}")]
    private partial void LogUnread(string tenant, string why);

    private async Task<bool> HasTenantAsync(CancellationToken cancellationToken)
    {
        while (_tenants.Count == 0 && !_hasAllTenants)
        {
            var page = await grains.GetGrain<IDirectoryGrain>(0).ListTenantsAsync(_afterTenants, PageSize, cancellationToken);
            foreach (var tenant in page.Names)
            {
                _tenants.Enqueue(tenant);
            }

            _afterTenants = page.Next;
            _hasAllTenants = page.Next is null;
        }

        return _tenants.Count > 0;
    }
}
