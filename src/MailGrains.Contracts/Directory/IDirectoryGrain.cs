using MailGrains.Contracts.Calls;

namespace MailGrains.Contracts.Directory;

/// <summary>The list of all tenants, read from the store page by page. A stateless worker; key 0.</summary>
[Alias("mailgrains.IDirectoryGrain")]
public interface IDirectoryGrain : IGrainWithIntegerKey
{
    /// <summary>Tenants' names in order, after <paramref name="after"/> (exclusive).</summary>
    [Alias("ListTenants"), MayRepeat]
    ValueTask<DirectoryPage> ListTenantsAsync(string? after, int limit, CancellationToken cancellationToken);
}
