using System.Diagnostics.Metrics;
using System.Security.Cryptography.X509Certificates;
using MailGrains.Gateways.Tls;
using MailGrains.Storage;
using MailGrains.Storage.Secrets;
using MailGrains.Storage.Sqlite;
using MailGrains.Storage.Tables;
using MailGrains.Testing.Azure;
using MailGrains.Testing.Faults;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace MailGrains.Gateways.Tests.Tls;

/// <summary>Each <see cref="CertificateStore"/> is that of a process; the installation's store is one.</summary>
public sealed class SelfSignedTests : IAsyncLifetime
{
    private static readonly CancellationToken None = CancellationToken.None;

    private readonly string _folder = System.IO.Directory.CreateTempSubdirectory("mailgrains-tls-").FullName;
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UtcNow);
    private readonly RecordedLog<CertificateStore> _log = new();
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly SqliteStore _sqlite;
    private readonly FaultingTableStore _tables;
    private readonly StorageAccounts _accounts;

    public SelfSignedTests()
    {
        _sqlite = SqliteStore.Open(new SqliteStoreOptions { Path = _folder });
        _tables = new FaultingTableStore(_sqlite.Accounts.Directory.Tables);
        _accounts = new StorageAccounts([new StorageAccount(0, _tables, _sqlite.Accounts.Directory.Blobs)], _tables);
    }

    public ValueTask InitializeAsync() => default;

    public async ValueTask DisposeAsync()
    {
        _services.Dispose();
        await _sqlite.DisposeAsync();
        System.IO.Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task It_is_made_once_for_the_host_name_and_the_log_says_so_with_its_fingerprint()
    {
        using var first = await StartAsync();
        using var second = await StartAsync();

        var certificate = Shown(first);
        Assert.True(certificate.MatchesHostname("mx.hosting.test", allowWildcards: false, allowCommonName: false));
        Assert.Equal(_time.GetUtcNow().AddDays(365), certificate.NotAfter, TimeSpan.FromSeconds(1));
        Assert.Equal(certificate.Thumbprint, Shown(second).Thumbprint);
        Assert.Contains(_log.Lines, line => line.StartsWith("Warning: No TLS certificate is configured", StringComparison.Ordinal) &&
            line.Contains(certificate.GetCertHashString(System.Security.Cryptography.HashAlgorithmName.SHA256), StringComparison.Ordinal));
        Assert.Empty(System.IO.Directory.EnumerateFiles(_folder, "*.pem*", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task Another_host_name_has_another_certificate_and_both_stay()
    {
        using var first = await StartAsync();
        using var other = await StartAsync("mail.other.test");
        using var again = await StartAsync();

        Assert.True(Shown(other).MatchesHostname("mail.other.test"));
        Assert.Equal(Shown(first).Thumbprint, Shown(again).Thumbprint);
    }

    [Fact]
    public async Task A_month_before_it_expires_all_processes_change_to_the_same_next_one()
    {
        using var first = await StartAsync();
        using var second = await StartAsync();
        var former = Shown(first);

        _time.Advance(TimeSpan.FromDays(334));
        await first.RefreshAsync(None);
        Assert.Same(former, Shown(first));

        _time.Advance(TimeSpan.FromDays(2));
        await Task.WhenAll(first.RefreshAsync(None), second.RefreshAsync(None));
        Assert.Equal(_time.GetUtcNow().AddDays(365), Shown(first).NotAfter, TimeSpan.FromSeconds(1));
        Assert.Equal(Shown(first).Thumbprint, Shown(second).Thumbprint);
    }

    [Fact]
    public async Task Many_that_make_it_at_once_get_the_same()
    {
        var stores = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => StartAsync()));

        Assert.Single(stores.Select(s => Shown(s).Thumbprint).Distinct());
        Array.ForEach(stores, s => s.Dispose());
    }

    [Fact]
    public async Task One_that_is_no_certificate_is_made_again()
    {
        await new SecretRows(_accounts, SecretSeal.None, "self-signed").TryInsertAsync("mx.hosting.test", "-----BEGIN CERTIFICATE-----\nMIIB", None);

        using var store = await StartAsync();

        Assert.True(Shown(store).HasPrivateKey);
    }

    [Fact]
    public async Task Where_it_can_not_be_read_a_process_shows_one_of_its_own_says_so_once_and_leaves_the_row()
    {
        using var vault = new RsaKey("data");
        using var withVault = await StartAsync(seal: await SecretSeal.OpenAsync(_accounts, vault.Wrapping, None));
        var row = await _tables.ReadAsync(TableNames.Directory, "self-signed", "mx.hosting.test", None);

        using var without = await StartAsync();
        await without.RefreshAsync(None);

        Assert.True(Shown(without).HasPrivateKey);
        Assert.NotEqual(Shown(withVault).Thumbprint, Shown(without).Thumbprint);
        Assert.Single(_log.Lines, line => line.Contains("can't be read: this process shows one of its own", StringComparison.Ordinal));
        Assert.Equal(row!.ETag, (await _tables.ReadAsync(TableNames.Directory, "self-signed", "mx.hosting.test", None))!.ETag);
    }

    [Fact]
    public async Task With_a_vault_its_key_is_not_to_be_read_in_the_store()
    {
        using var vault = new RsaKey("data");
        using var store = await StartAsync(seal: await SecretSeal.OpenAsync(_accounts, vault.Wrapping, None));

        var row = await _tables.ReadAsync(TableNames.Directory, "self-signed", "mx.hosting.test", None);
        Assert.Equal(2L, row!.Number("f"));
        Assert.DoesNotContain(row.Properties, p => p.Value.AsText is not null);
        using var other = await StartAsync(seal: await SecretSeal.OpenAsync(_accounts, vault.Wrapping, None));
        Assert.Equal(Shown(store).Thumbprint, Shown(other).Thumbprint);
    }

    [Fact]
    public async Task A_process_does_not_start_without_it_and_keeps_the_former_one_while_the_store_is_gone()
    {
        using var running = await StartAsync();
        var former = Shown(running);
        _time.Advance(TimeSpan.FromDays(340));
        _tables.BeforeRead = _ => throw new StoreException(StoreFailure.Unavailable, "The store is gone.");

        await Assert.ThrowsAsync<StoreException>(() => StartAsync());
        await running.RefreshAsync(None);
        await running.RefreshAsync(None);
        Assert.Same(former, Shown(running));
        Assert.Single(_log.Lines, line => line.Contains("can't be made anew", StringComparison.Ordinal));

        _tables.Heal();
        await running.RefreshAsync(None);
        Assert.NotEqual(former.Thumbprint, Shown(running).Thumbprint);
    }

    [Fact]
    public async Task It_is_there_before_the_first_connection()
    {
        using var store = Open("mx.hosting.test", SecretSeal.None, out var options);
        Assert.Throws<InvalidOperationException>(() => store.Find(null));

        using var reload = new CertificateReload(store, options, _time, NullLogger<CertificateReload>.Instance);
        await reload.StartAsync(None);
        Assert.True(Shown(store).HasPrivateKey);
        await reload.StopAsync(None);
    }

    private static X509Certificate2 Shown(CertificateStore store) => store.Find(null).Context.TargetCertificate;

    private async Task<CertificateStore> StartAsync(string hostName = "mx.hosting.test", SecretSeal? seal = null)
    {
        var store = Open(hostName, seal ?? SecretSeal.None, out _);
        await store.RefreshAsync(None);
        return store;
    }

    private CertificateStore Open(string hostName, SecretSeal seal, out TlsOptions options)
    {
        options = new TlsOptions { HostName = hostName };
        return new CertificateStore(
            options, new SelfSignedCertificate(_accounts, seal, options, _time), _services.GetRequiredService<IMeterFactory>(), _time, _log);
    }
}
