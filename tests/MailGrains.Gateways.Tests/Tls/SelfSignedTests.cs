using System.Diagnostics.Metrics;
using MailGrains.Gateways.Tls;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace MailGrains.Gateways.Tests.Tls;

public sealed class SelfSignedTests : IDisposable
{
    private readonly string _folder = Path.Combine(System.IO.Directory.CreateTempSubdirectory("mailgrains-tls-").FullName, "data");
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UtcNow);
    private readonly RecordedLog<CertificateStore> _log = new();
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();

    private string FilePath => Path.Combine(_folder, "tls-self-signed.pem");

    public void Dispose()
    {
        _services.Dispose();
        System.IO.Directory.Delete(Path.GetDirectoryName(_folder)!, recursive: true);
    }

    [Fact]
    public void ItIsMadeOnceForTheHostNameAndTheLogSaysSo()
    {
        using var first = Store();
        using var second = Store();

        var certificate = first.Find(null).Context.TargetCertificate;
        Assert.True(certificate.MatchesHostname("mx.hosting.test", allowWildcards: false, allowCommonName: false));
        Assert.Equal(_time.GetUtcNow().AddDays(365), certificate.NotAfter, TimeSpan.FromSeconds(1));
        Assert.Equal(certificate.Thumbprint, second.Find(null).Context.TargetCertificate.Thumbprint);
        Assert.Contains(_log.Lines, line => line.StartsWith("Warning: No TLS certificate is configured", StringComparison.Ordinal));
    }

    [Fact]
    public void OnlyItsOwnerCanReadTheFile()
    {
        using var store = Store();

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(FilePath));
    }

    [Fact]
    public void AnotherHostNameGetsAnotherCertificate()
    {
        using var first = Store();
        using var second = Store("mail.other.test");

        Assert.True(second.Find(null).Context.TargetCertificate.MatchesHostname("mail.other.test"));
    }

    [Fact]
    public void ItIsMadeAgainAMonthBeforeItExpiresWhileTheServerRuns()
    {
        using var store = Store();
        var first = store.Find(null).Context.TargetCertificate;

        _time.Advance(TimeSpan.FromDays(334));
        store.Refresh();
        Assert.Same(first, store.Find(null).Context.TargetCertificate);

        _time.Advance(TimeSpan.FromDays(2));
        store.Refresh();
        Assert.Equal(_time.GetUtcNow().AddDays(365), store.Find(null).Context.TargetCertificate.NotAfter, TimeSpan.FromSeconds(1));
    }

    [Fact]
    public void AFileThatWasNotWrittenToItsEndIsMadeAgain()
    {
        System.IO.Directory.CreateDirectory(_folder);
        File.WriteAllText(FilePath, "-----BEGIN CERTIFICATE-----\nMIIB");

        using var store = Store();

        Assert.True(store.Find(null).Context.TargetCertificate.HasPrivateKey);
    }

    [Fact]
    public async Task ManyThatMakeItAtOnceGetTheSame()
    {
        var start = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var makers = Enumerable.Range(0, 16).Select(async _ =>
        {
            await start.Task;
            using var store = Store();
            return store.Find(null).Context.TargetCertificate.Thumbprint;
        }).ToArray();
        start.SetResult();

        Assert.Single((await Task.WhenAll(makers)).Distinct());
    }

    private CertificateStore Store(string hostName = "mx.hosting.test") => new(
        new TlsOptions { HostName = hostName, DataFolder = _folder }, _services.GetRequiredService<IMeterFactory>(), _time, _log);
}
