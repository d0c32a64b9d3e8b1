using System.Diagnostics.Metrics;
using MailGrains.Gateways.Acme;
using MailGrains.Gateways.Tests.Tls;
using MailGrains.Gateways.Tls;
using MailGrains.Storage;
using MailGrains.Storage.Secrets;
using MailGrains.Storage.Sqlite;
using Microsoft.Extensions.DependencyInjection;

namespace MailGrains.Gateways.Tests.Acme;

public sealed class OrderedCertificatesTests : IAsyncDisposable
{
    private const string HostName = "mx.hosting.test";

    private readonly TestCertificates _made = new();
    private readonly string _folder = System.IO.Directory.CreateTempSubdirectory("mailgrains-").FullName;
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly RecordedLog<OrderedCertificates> _log = new();
    private readonly RecordedLog<CertificateStore> _storeLog = new();
    private readonly SqliteStore _store;
    private readonly CertificateRows _rows;
    private readonly CertificateStore _certificates;

    public OrderedCertificatesTests()
    {
        _store = SqliteStore.Open(new SqliteStoreOptions { Path = _folder });
        _rows = new CertificateRows(_store.Accounts, SecretSeal.None);
        _certificates = Store(new TlsOptions { HostName = HostName });
    }

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Configured_files_come_first_then_ordered_ones_then_the_self_signed()
    {
        await _certificates.RefreshAsync(Stop);
        var selfSigned = Thumbprint(_certificates, HostName);
        var own = await PutAsync(new("", HostName), HostName);
        var tenants = await PutAsync(new("one", "one.test"), "mail.one.test");
        var file = _made.Write("file.pem", "mail.one.test", "file.test");
        using var withFile = Store(new TlsOptions { HostName = HostName, Certificates = [new CertificateFile(_made.At("file.pem"))] });

        await _certificates.RefreshAsync(Stop);
        await withFile.RefreshAsync(Stop);

        Assert.NotEqual(selfSigned, own);
        Assert.Equal((own, tenants, own, own), (
            Thumbprint(_certificates, HostName), Thumbprint(_certificates, "mail.one.test"), Thumbprint(_certificates, "file.test"), Thumbprint(_certificates, null)));
        Assert.Equal((own, file, file, own), (
            Thumbprint(withFile, HostName), Thumbprint(withFile, "mail.one.test"), Thumbprint(withFile, "file.test"), Thumbprint(withFile, null)));
    }

    [Fact]
    public async Task A_client_that_names_no_host_never_gets_a_tenants_certificate()
    {
        var tenants = await PutAsync(new("one", "one.test"), "mail.one.test");

        await _certificates.RefreshAsync(Stop);

        Assert.NotEqual(tenants, Thumbprint(_certificates, null));
        Assert.NotEqual(tenants, Thumbprint(_certificates, "unknown.test"));
    }

    [Fact]
    public async Task What_was_shown_stays_usable_and_is_hashed_as_it_was_when_a_new_one_comes()
    {
        await PutAsync(new("", HostName), HostName);
        await _certificates.RefreshAsync(Stop);
        var former = _certificates.Find(HostName);

        await PutAsync(new("", HostName), HostName);
        await _certificates.RefreshAsync(Stop);

        var next = _certificates.Find(HostName);
        Assert.NotEqual(former.EndPointBinding.ToArray(), next.EndPointBinding.ToArray());
        Assert.Equal(EndPointBinding.Of(next.Context.TargetCertificate), next.EndPointBinding.ToArray());
        Assert.True(former.Context.TargetCertificate.HasPrivateKey);
    }

    [Fact]
    public async Task More_changes_than_are_named_are_all_taken()
    {
        await _certificates.RefreshAsync(Stop);
        var made = new Dictionary<string, string>();
        for (var i = 0; i < 70; i++)
        {
            made[$"mail.d{i}.test"] = await PutAsync(new("one", $"d{i}.test"), $"mail.d{i}.test");
        }

        await _certificates.RefreshAsync(Stop);

        Assert.All(made, pair => Assert.Equal(pair.Value, Thumbprint(_certificates, pair.Key)));
    }

    [Fact]
    public async Task One_that_can_not_be_read_leaves_its_former_one_in_place_and_the_others_come()
    {
        var key = new CertificateKey("one", "one.test");
        var former = await PutAsync(key, "mail.one.test");
        await _certificates.RefreshAsync(Stop);
        var (chain, _, _) = _made.Issue(["mail.one.test"]);
        var (_, foreignKey, _) = _made.Issue(["mail.one.test"]);

        await WriteAsync(key, new CertificateRecord { Names = ["mail.one.test"], Chain = chain, Key = foreignKey });
        var other = await PutAsync(new("two", "two.test"), "mail.two.test");
        await _certificates.RefreshAsync(Stop);

        Assert.Equal((former, other), (Thumbprint(_certificates, "mail.one.test"), Thumbprint(_certificates, "mail.two.test")));
        Assert.Contains(_log.Lines, line => line.Contains("the former one stays", StringComparison.Ordinal));
    }

    [Fact]
    public async Task One_of_a_later_release_leaves_its_former_one_in_place_and_holds_up_no_other()
    {
        var key = new CertificateKey("one", "one.test");
        var former = await PutAsync(key, "mail.one.test");
        await _certificates.RefreshAsync(Stop);
        await WriteAsync(key, new CertificateRecord { Format = 2, Names = ["mail.one.test"] });
        await new SecretRows(_store.Accounts, await SealAsync(), "certificates").TryInsertAsync("zwei/sealed.test", "sealed by a vault", Stop);
        await _rows.TellAsync(new("zwei", "sealed.test"), Stop);
        var other = await PutAsync(new("two", "two.test"), "mail.two.test");

        await _certificates.RefreshAsync(Stop);
        using var started = Store(new TlsOptions { HostName = HostName });
        await started.RefreshAsync(Stop);

        Assert.Equal((former, other), (Thumbprint(_certificates, "mail.one.test"), Thumbprint(_certificates, "mail.two.test")));
        Assert.Equal(other, Thumbprint(started, "mail.two.test"));
        Assert.Contains(_log.Lines, line => line.Contains("one/one.test", StringComparison.Ordinal) && line.Contains("later release", StringComparison.Ordinal));
        Assert.Contains(_log.Lines, line => line.Contains("zwei/sealed.test", StringComparison.Ordinal) && line.Contains("no vault", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_store_that_can_not_be_read_at_each_look_is_said_when_it_begins_and_when_it_begins_again()
    {
        const string Said = "can't be read now, the former ones stay";
        var damage = Storage.Tables.TableOperation.Insert("changes", new Storage.Tables.RowProperties([new("f", 2L)]));
        for (var times = 1; times <= 2; times++)
        {
            var damaged = await _store.Tables.CommitAsync(TableNames.Directory, "acme", [damage], Stop);
            await _certificates.RefreshAsync(Stop);
            await _certificates.RefreshAsync(Stop);
            Assert.Equal(times, _storeLog.Lines.Count(line => line.Contains(Said, StringComparison.Ordinal)));

            await _store.Tables.CommitAsync(TableNames.Directory, "acme", [Storage.Tables.TableOperation.Delete("changes", damaged.ETags[0])], Stop);
            await _certificates.RefreshAsync(Stop);
        }
    }

    [Fact]
    public async Task Of_two_who_write_at_once_one_wins_and_the_other_hears_of_it()
    {
        var key = new CertificateKey("one", "one.test");
        var first = await _rows.TryWriteAsync(null, key, new CertificateRecord { Names = ["a"] }, Stop);

        Assert.Null(await _rows.TryWriteAsync(null, key, new CertificateRecord { Names = ["b"] }, Stop));
        Assert.NotNull(await _rows.TryWriteAsync(first, key, new CertificateRecord { Names = ["c"] }, Stop));
        Assert.Null(await _rows.TryWriteAsync(first, key, new CertificateRecord { Names = ["d"] }, Stop));
        Assert.False(await _rows.TryDeleteAsync(first!, Stop));
        Assert.Equal(["c"], (await _rows.FindAsync(key, Stop))!.Record.Names);
    }

    [Fact]
    public async Task With_a_vault_no_key_stands_in_the_store()
    {
        var rows = new CertificateRows(_store.Accounts, await SealAsync());
        var (chain, privateKey, _) = _made.Issue(["mail.one.test"]);
        await rows.AccountKeyAsync(new Uri("https://acme.test/dir"), Stop);
        var record = new CertificateRecord { Names = ["mail.one.test"], Chain = chain, Key = privateKey, Pending = new("https://acme.test/1", privateKey) };
        Assert.NotNull(await rows.TryWriteAsync(null, new("one", "one.test"), record, Stop));

        var stored = new System.Text.StringBuilder();
        await foreach (var row in _store.Tables.ReadPartitionsAsync(TableNames.Directory, Storage.Tables.KeyRange.All, Stop))
        {
            foreach (var value in row.Properties.Values)
            {
                stored.Append(value.AsText).Append(value.AsBytes is { } octets ? System.Text.Encoding.Latin1.GetString(octets.Span) : "");
            }
        }

        Assert.DoesNotContain("PRIVATE KEY", stored.ToString(), StringComparison.Ordinal);
        Assert.Equal(privateKey, (await rows.FindAsync(new("one", "one.test"), Stop))!.Record.Key);
    }

    public async ValueTask DisposeAsync()
    {
        _certificates.Dispose();
        await _store.DisposeAsync();
        _services.Dispose();
        _made.Dispose();
        System.IO.Directory.Delete(_folder, recursive: true);
    }

    private Task<SecretSeal> SealAsync()
    {
        var wrapping = new WrappingKey(
            (key, _) => Task.FromResult(new WrappedKey("test/1", key.ToArray())), (wrapped, _) => Task.FromResult(wrapped.Octets.ToArray()),
            _ => Task.FromResult("test/1"));
        return SecretSeal.OpenAsync(_store.Accounts, wrapping, Stop);
    }

    private static string Thumbprint(CertificateStore store, string? name) => store.Find(name).Context.TargetCertificate.Thumbprint;

    private async Task<string> PutAsync(CertificateKey key, string name)
    {
        var (chain, privateKey, certificate) = _made.Issue([name]);
        await WriteAsync(key, new CertificateRecord { Names = [name], Chain = chain, Key = privateKey });
        return certificate.Thumbprint;
    }

    private async Task WriteAsync(CertificateKey key, CertificateRecord record)
    {
        Assert.NotNull(await _rows.TryWriteAsync(await _rows.FindAsync(key, Stop), key, record, Stop));
        await _rows.TellAsync(key, Stop);
    }

    private CertificateStore Store(TlsOptions options) => new(
        options, new SelfSignedCertificate(_store.Accounts, SecretSeal.None, options, TimeProvider.System), _services.GetRequiredService<IMeterFactory>(),
        TimeProvider.System, _storeLog, new OrderedCertificates(_store.Accounts, SecretSeal.None, _log));
}
