using System.Runtime.CompilerServices;
using MailGrains.Contracts.Directory;

namespace MailGrains.Gateways.Acme;

/// <summary>One way through the domains of all tenants, page by page; it may be left anywhere and gone on with from there. Used by one caller at a time.</summary>
internal sealed class DomainWalk(IGrainFactory grains)
{
    private const int PageSize = 500;

    private readonly Queue<string> _tenants = [];
    private string? _afterTenants;
    private string? _afterDomain;
    private bool _hasAllTenants;

    public bool IsComplete { get; private set; }

    public HashSet<CertificateKey> Seen { get; } = [];

    public async IAsyncEnumerable<CertificateKey> GoOnAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (await HasTenantAsync(cancellationToken))
        {
            var tenant = _tenants.Peek();
            DirectoryPage page;
            do
            {
                page = await grains.GetGrain<ITenantGrain>(tenant).ListAsync(DirectoryCollection.Domains, _afterDomain, PageSize, cancellationToken);
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
            _tenants.Dequeue();
        }

        IsComplete = true;
    }

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
