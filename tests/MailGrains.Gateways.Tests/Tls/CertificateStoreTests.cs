using System.Diagnostics.Metrics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MailGrains.Gateways.Tls;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace MailGrains.Gateways.Tests.Tls;

public sealed class CertificateStoreTests : IDisposable
{
    private const string HostName = "mx.hosting.test";

    private readonly TestCertificates _made = new();
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UtcNow);
    private readonly RecordedLog<CertificateStore> _log = new();
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();

    public void Dispose()
    {
        _services.Dispose();
        _made.Dispose();
    }

    [Theory]
    [InlineData("one.test", "one")]
    [InlineData("ONE.test", "one")]
    [InlineData("a.two.test", "two")]
    [InlineData("two.test", "first")]
    [InlineData("b.a.two.test", "first")]
    [InlineData("exact.two.test", "one")]
    [InlineData("unknown.test", "first")]
    [InlineData(".two.test", "first")]
    [InlineData("", "first")]
    [InlineData(null, "first")]
    public void AServerNameFindsTheCertificateThatIsForIt(string? serverName, string expected)
    {
        var thumbprints = new Dictionary<string, string>
        {
            ["first"] = _made.Write("first.pem", "first.test"),
            ["one"] = _made.Write("one.pem", "one.test", "exact.two.test"),
            ["two"] = _made.Write("two.pem", "*.two.test"),
        };
        using var store = Store("first.pem", "one.pem", "two.pem");

        Assert.Equal(thumbprints[expected], Thumbprint(store, serverName));
    }

    [Fact]
    public void AClientThatNamesNoHostGetsTheCertificateOfOurHostName()
    {
        _made.Write("first.pem", "first.test");
        var own = _made.Write("own.pem", HostName);
        using var store = Store("first.pem", "own.pem");

        Assert.Equal(own, Thumbprint(store, null));
        Assert.Equal(own, Thumbprint(store, "unknown.test"));
    }

    [Fact]
    public void TheChainIsSentAndTheKeyMayBeEncryptedInAFileOfItsOwn()
    {
        var (chain, key, certificate) = _made.Issue([HostName], password: "open sesame");
        _made.Put("chain.pem", chain);
        _made.Put("key.pem", key);
        using var store = Store(new CertificateFile(_made.At("chain.pem"), _made.At("key.pem"), "open sesame"));

        var context = store.Find(null).Context;

        Assert.Equal(certificate.Thumbprint, context.TargetCertificate.Thumbprint);
        Assert.True(context.TargetCertificate.HasPrivateKey);
        Assert.Equal("CN=Test issuer", Assert.Single(context.IntermediateCertificates).Subject);
    }

    [Theory]
    [InlineData("wrong password")]
    [InlineData(null)]
    public void AKeyThatCantBeOpenedEndsTheStartWithTheFilesName(string? password)
    {
        var (chain, key, _) = _made.Issue([HostName], password: "open sesame");
        _made.Put("both.pem", chain + key);

        var failure = Assert.Throws<IOException>(() => Store(new CertificateFile(_made.At("both.pem"), Password: password)));

        Assert.Contains(_made.At("both.pem"), failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AKeyOfAnotherCertificateEndsTheStart()
    {
        _made.Put("chain.pem", _made.Issue([HostName]).Chain);
        _made.Put("key.pem", _made.Issue([HostName]).Key);

        Assert.Throws<IOException>(() => Store(new CertificateFile(_made.At("chain.pem"), _made.At("key.pem"))));
    }

    [Fact]
    public void AFileThatIsMissingEndsTheStart()
    {
        Assert.ThrowsAny<IOException>(() => Store("missing.pem"));
    }

    [Fact]
    public async Task AChangedFileIsTakenAndTheFormerCertificateStaysUsable()
    {
        _made.Write("first.pem", HostName);
        using var store = Store("first.pem");
        var former = store.Find(null);
        await store.RefreshAsync(CancellationToken.None);
        Assert.Same(former, store.Find(null));

        var next = _made.Write("first.pem", HostName, "more.test");
        await store.RefreshAsync(CancellationToken.None);

        Assert.Equal(next, Thumbprint(store, "more.test"));
        Assert.NotEmpty(former.Context.TargetCertificate.GetECDsaPrivateKey()!.SignData([1], HashAlgorithmName.SHA256));
    }

    [Fact]
    public async Task APairOfWhichOnlyOneFileIsReplacedYetIsNotTaken()
    {
        var (chain, key, former) = _made.Issue([HostName]);
        _made.Put("chain.pem", chain);
        _made.Put("key.pem", key);
        using var store = Store(new CertificateFile(_made.At("chain.pem"), _made.At("key.pem")));
        var next = _made.Issue([HostName]);

        _made.Put("key.pem", next.Key);
        await store.RefreshAsync(CancellationToken.None);
        await store.RefreshAsync(CancellationToken.None);
        Assert.Equal(former.Thumbprint, Thumbprint(store, null));
        Assert.Single(_log.Lines, line => line.Contains("can't be used", StringComparison.Ordinal));

        _made.Put("chain.pem", next.Chain);
        await store.RefreshAsync(CancellationToken.None);
        Assert.Equal(next.Certificate.Thumbprint, Thumbprint(store, null));
    }

    [Theory]
    [InlineData("")]
    [InlineData("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n")]
    public async Task AFileThatHasGoneBadLeavesTheFormerCertificateInPlace(string content)
    {
        var former = _made.Write("first.pem", HostName);
        using var store = Store("first.pem");

        _made.Put("first.pem", content);
        await store.RefreshAsync(CancellationToken.None);
        Assert.Equal(former, Thumbprint(store, null));

        File.Delete(_made.At("first.pem"));
        await store.RefreshAsync(CancellationToken.None);
        Assert.Equal(former, Thumbprint(store, null));

        var next = _made.Write("first.pem", HostName);
        await store.RefreshAsync(CancellationToken.None);
        Assert.Equal(next, Thumbprint(store, null));
    }

    // Kubernetes: tls.pem -> ..data/tls.pem, and ..data is a link that is replaced.
    [Fact]
    public async Task AFolderThatIsReplacedBehindALinkIsSeen()
    {
        System.IO.Directory.CreateDirectory(_made.At("..1"));
        System.IO.Directory.CreateDirectory(_made.At("..2"));
        _made.Write("..1/tls.pem", HostName);
        var next = _made.Write("..2/tls.pem", HostName);
        System.IO.Directory.CreateSymbolicLink(_made.At("..data"), "..1");
        File.CreateSymbolicLink(_made.At("tls.pem"), "..data/tls.pem");
        using var store = Store("tls.pem");

        System.IO.Directory.Delete(_made.At("..data"));
        System.IO.Directory.CreateSymbolicLink(_made.At("..data"), "..2");
        await store.RefreshAsync(CancellationToken.None);

        Assert.Equal(next, Thumbprint(store, null));
    }

    [Fact]
    public async Task TheFilesAreLookedAtEveryFewSeconds()
    {
        var former = _made.Write("first.pem", HostName);
        var options = Options(new CertificateFile(_made.At("first.pem")));
        using var store = Store(options);
        using var reload = new CertificateReload(store, options, _time, NullLogger<CertificateReload>.Instance);
        await reload.StartAsync(TestContext.Current.CancellationToken);

        var next = _made.Write("first.pem", HostName);
        Assert.Equal(former, Thumbprint(store, null));
        _time.Advance(options.PollPeriod);

        Assert.Equal(next, Thumbprint(store, null));
    }

    [Fact]
    public async Task ACertificateThatExpiresSoonIsWarnedOfOnceADayAndMeasured()
    {
        var (chain, key, _) = _made.Issue([HostName], notAfter: _time.GetUtcNow().AddDays(20).AddHours(1));
        _made.Put("first.pem", chain + key);
        using var days = new MeterListener { InstrumentPublished = (instrument, listener) => Listen(instrument, listener) };
        double? left = null;
        days.SetMeasurementEventCallback<double>((_, value, _, _) => left = value);
        days.Start();
        using var store = Store("first.pem");

        await store.RefreshAsync(CancellationToken.None);
        Assert.Single(_log.Lines, line => line.Contains("in 20 days", StringComparison.Ordinal));
        _time.Advance(TimeSpan.FromDays(1));
        await store.RefreshAsync(CancellationToken.None);
        Assert.Single(_log.Lines, line => line.Contains("in 19 days", StringComparison.Ordinal));
        days.RecordObservableInstruments();
        Assert.InRange(left!.Value, 19, 19.1);
    }

    private void Listen(Instrument instrument, MeterListener listener)
    {
        if (instrument.Name == "mailgrains.tls.certificate.days" && instrument.Meter.Scope == _services.GetRequiredService<IMeterFactory>())
        {
            listener.EnableMeasurementEvents(instrument);
        }
    }

    private static string Thumbprint(CertificateStore store, string? serverName) => store.Find(serverName).Context.TargetCertificate.Thumbprint;

    private TlsOptions Options(params CertificateFile[] files) => new() { HostName = HostName, Certificates = files };

    private CertificateStore Store(params string[] files) => Store([.. files.Select(f => new CertificateFile(_made.At(f)))]);

    private CertificateStore Store(params CertificateFile[] files) => Store(Options(files));

    private CertificateStore Store(TlsOptions options) => new(
        options, _made.SelfSigned(options, _time), _services.GetRequiredService<IMeterFactory>(), _time, _log);
}
