using System.Xml.Linq;
using MailGrains.Storage;
using MailGrains.Storage.Secrets;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.AspNetCore.DataProtection.Repositories;
using Microsoft.Extensions.DependencyInjection;

namespace MailGrains.Host.Startup;

/// <summary>
/// The keys of ASP.NET's data protection, in the store: what one process has given to a browser, any other opens, after a roll-over too. Sealed as all secrets
/// are (<see cref="SecretRows"/>, partition <c>data-protection</c>), so there is no XML encryption of its own.
/// </summary>
internal sealed class StoredKeyRing(StorageAccounts accounts, SecretSeal seal) : IXmlRepository
{
    public const string Partition = "data-protection";

    // The framework asks synchronously: at the start, and when it meets a key that it does not know.
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private readonly SecretRows _rows = new(accounts, seal, Partition);

    public static void Add(IServiceCollection services)
    {
        // The name separates what applications protect by the same keys; to change it spoils all that was given out.
        services.AddDataProtection().SetApplicationName("mailgrains");
        services.AddOptions<KeyManagementOptions>().Configure<StorageAccounts, SecretSeal>(
            static (options, accounts, seal) => options.XmlRepository = new StoredKeyRing(accounts, seal));
    }

    /// <exception cref="StoreException">They can't be read now.</exception>
    public IReadOnlyCollection<XElement> GetAllElements() =>
        Wait(async token => await _rows.ListAsync(token).Select(row => XElement.Parse(row.Value)).ToListAsync(token));

    /// <exception cref="StoreException">It can't be kept now.</exception>
    public void StoreElement(XElement element, string friendlyName)
    {
        var text = element.ToString(SaveOptions.DisableFormatting);
        if (Wait(token => _rows.TryInsertAsync(friendlyName, text, token)) is null)
        {
            throw new StoreException(StoreFailure.Refused, $"There is a key '{friendlyName}' of data protection already.");
        }
    }

    private static T Wait<T>(Func<CancellationToken, Task<T>> ask)
    {
        using var limit = new CancellationTokenSource(Limit);
        return Task.Run(() => ask(limit.Token), limit.Token).GetAwaiter().GetResult();
    }
}
