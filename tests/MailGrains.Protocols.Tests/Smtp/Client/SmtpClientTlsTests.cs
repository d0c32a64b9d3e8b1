using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MailGrains.Protocols.Smtp;
using MailGrains.Protocols.Smtp.Client;
using MailGrains.Protocols.Tests.Tls;
using MailGrains.Protocols.Tls;

namespace MailGrains.Protocols.Tests.Smtp.Client;

public sealed class SmtpClientTlsTests
{
    private static readonly Authority Root = new();

    [Fact]
    public async Task MailGoesUnderTlsAfterStartTls()
    {
        await using var fixture = new SmtpClientFixture();
        var connection = await fixture.OpenAsync();
        Assert.True(connection.Capabilities.StartTls);
        var clear = fixture.SentText;
        Assert.True((await connection.StartTlsAsync(SmtpClientFixture.AnyPeer)).IsAccepted);
        Assert.Equal("mx.example.test", connection.Tls!.ServerName);
        Assert.StartsWith("TLS1.", connection.Tls.Version, StringComparison.Ordinal);
        Assert.False(connection.Capabilities.StartTls);
        Assert.True(connection.Capabilities.RequireTls);
        for (var i = 0; i < 3; i++)
        {
            Assert.True((await connection.SendAsync(SmtpClientFixture.Mail("A: b\r\n"))).Recipients[0].IsAccepted);
        }

        Assert.Equal(3, fixture.MessagesOf(SmtpClientFixture.Alice).Count);
        Assert.StartsWith(clear + "STARTTLS\r\n", fixture.SentText, StringComparison.Ordinal);
        Assert.DoesNotContain("MAIL", fixture.SentText, StringComparison.Ordinal);
        await connection.QuitAsync();
    }

    [Fact]
    public async Task TlsMayBeginAtOnce()
    {
        await using var fixture = new SmtpClientFixture { Server = new() { HostName = "mx.example.test", ImplicitTls = true } };
        var connection = fixture.Connect();
        Assert.True((await connection.OpenAsync(SmtpClientFixture.AnyPeer)).IsAccepted);
        Assert.NotNull(connection.Tls);
        Assert.True((await connection.SendAsync(SmtpClientFixture.Mail("A: b\r\n"))).Recipients[0].IsAccepted);
    }

    [Fact]
    public async Task BigMailGoesUnderTlsToo()
    {
        await using var fixture = new SmtpClientFixture();
        var connection = await fixture.OpenAsync();
        await connection.StartTlsAsync(SmtpClientFixture.AnyPeer);
        var content = "A: b\r\n\r\n" + string.Concat(Enumerable.Repeat(new string('x', 70) + "\r\n", 20_000));
        var result = await connection.SendAsync(SmtpClientFixture.Mail(content));
        Assert.True(result.Recipients[0].IsAccepted, result.Recipients[0].ToString());
        Assert.Equal([content], fixture.MessagesOf(SmtpClientFixture.Alice));
    }

    [Fact]
    public async Task ServerWithoutStartTlsIsNotAskedForIt()
    {
        await using var fixture = new SmtpClientFixture { Connection = SmtpConnection.Plain };
        var connection = await fixture.OpenAsync();
        var result = await connection.StartTlsAsync(SmtpClientFixture.AnyPeer);
        Assert.Equal((SmtpVerdict.Temporary, SmtpStage.StartTls, SmtpCause.NotOffered), (result.Verdict, result.Stage, result.Cause));
        Assert.True(connection.IsUsable);
    }

    [Theory]
    [InlineData("mx.example.test", "mx.example.test", null)]
    [InlineData("*.example.test", "mx.example.test", null)]
    [InlineData("*.example.test", "a.mx.example.test", TlsFailureKind.HostMismatch)]
    [InlineData("other.example.test", "mx.example.test", TlsFailureKind.HostMismatch)]
    public async Task PkixWantsTheNameInTheCertificate(string name, string wanted, TlsFailureKind? failure)
    {
        var policy = new TlsClientPolicy(wanted, TlsPeerChecks.Pkix("elsewhere.test", wanted)) { Roots = Root.Certificates };
        Assert.Equal(failure, await ShakeAsync(Root.Issue(name), policy));
    }

    [Fact]
    public async Task PkixWantsATrustedRoot()
    {
        Assert.Equal(TlsFailureKind.NotTrusted, await ShakeAsync(TestCertificate.Server, new("mx.example.test", TlsPeerChecks.Pkix("mx.example.test"))));
        var policy = new TlsClientPolicy("mx.example.test", TlsPeerChecks.Pkix("mx.example.test")) { Roots = new Authority().Certificates };
        Assert.Equal(TlsFailureKind.NotTrusted, await ShakeAsync(Root.Issue("mx.example.test"), policy));
    }

    [Fact]
    public async Task PkixWantsACertificateOfToday()
    {
        var policy = new TlsClientPolicy("mx.example.test", TlsPeerChecks.Pkix("mx.example.test")) { Roots = Root.Certificates };
        Assert.Equal(TlsFailureKind.Expired, await ShakeAsync(Root.Issue("mx.example.test", daysFrom: -5, daysTo: -1), policy));
    }

    [Fact]
    public async Task CallersCheckSeesAllThatWasPresented()
    {
        var certificate = Root.Issue("mx.example.test");
        byte[]? seen = null;
        var others = 0;
        var refusal = new TlsFailure(TlsFailureKind.Refused, "no TLSA record fits");
        var policy = new TlsClientPolicy("mx.example.test", peer =>
        {
            seen = peer.Certificate.RawData;
            others = peer.Others.Count(other => other.RawData.AsSpan().SequenceEqual(Root.Intermediate.RawData));
            return refusal;
        });
        Assert.Equal(TlsFailureKind.Refused, await ShakeAsync(certificate, policy));
        Assert.Equal(certificate.Context.TargetCertificate.RawData, seen);
        Assert.Equal(1, others);
    }

    [Fact]
    public async Task CheckThatThrowsIsNoTls()
    {
        Assert.Equal(TlsFailureKind.Handshake, await ShakeAsync(TestCertificate.Server, new("mx.example.test", _ => throw new InvalidOperationException())));
    }

    /// <summary>Null: TLS is there.</summary>
    private static async Task<TlsFailureKind?> ShakeAsync(TlsCertificate certificate, TlsClientPolicy policy)
    {
        await using var fixture = new SmtpClientFixture { Connection = new() { Certificates = _ => certificate } };
        var connection = await fixture.OpenAsync();
        var result = await connection.StartTlsAsync(policy);
        if (!result.IsAccepted)
        {
            Assert.Equal((SmtpVerdict.Temporary, SmtpStage.StartTls, SmtpCause.TlsFailed), (result.Verdict, result.Stage, result.Cause));
            Assert.False(connection.IsUsable);
            Assert.Equal(SmtpCause.TlsFailed, (await connection.NoopAsync()).Cause);
        }

        return result.Tls?.Kind;
    }

    /// <summary>A root, and an intermediate that issues and is presented with what it has issued.</summary>
    private sealed class Authority : IDisposable
    {
        private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        private readonly X509Certificate2 _issuer;

        public Authority()
        {
            using var rootKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            using var root = Request("CN=Root of these tests", rootKey).CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-10), DateTimeOffset.UtcNow.AddDays(10));
            using var intermediate = Request("CN=Intermediate of these tests", _key).Create(
                root, DateTimeOffset.UtcNow.AddDays(-9), DateTimeOffset.UtcNow.AddDays(9), RandomNumberGenerator.GetBytes(8));
            _issuer = intermediate.CopyWithPrivateKey(_key);
            Certificates = [X509CertificateLoader.LoadCertificate(root.RawData)];
            Intermediate = X509CertificateLoader.LoadCertificate(intermediate.RawData);
        }

        public X509Certificate2Collection Certificates { get; }

        public X509Certificate2 Intermediate { get; }

        public TlsCertificate Issue(string name, int daysFrom = -1, int daysTo = 1)
        {
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var request = new CertificateRequest("CN=x", key, HashAlgorithmName.SHA256);
            var names = new SubjectAlternativeNameBuilder();
            names.AddDnsName(name);
            request.CertificateExtensions.Add(names.Build());
            using var issued = request.Create(
                _issuer, DateTimeOffset.UtcNow.AddDays(daysFrom), DateTimeOffset.UtcNow.AddDays(daysTo), RandomNumberGenerator.GetBytes(8));
            return new TlsCertificate(SslStreamCertificateContext.Create(issued.CopyWithPrivateKey(key), [Intermediate], offline: true), default);
        }

        public void Dispose()
        {
            _issuer.Dispose();
            _key.Dispose();
        }

        private static CertificateRequest Request(string name, ECDsa key)
        {
            var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
            request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
            return request;
        }
    }
}
