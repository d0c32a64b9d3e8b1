using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MailGrains.Grains.Relay.Destinations.Dane;
using MailGrains.Protocols.Tls;

namespace MailGrains.Grains.Tests.Relay.Destinations;

public sealed class TlsaMatcherTests(TlsaMatcherTests.Certificates certificates) : IClassFixture<TlsaMatcherTests.Certificates>
{
    private const string Host = "mx.one.test";
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";

    public sealed class Certificates : IDisposable
    {
        internal TestAuthority Authority { get; } = new();

        internal X509Certificate2 Leaf => field ??= Authority.Issue(Host);

        public void Dispose() => Authority.Dispose();
    }

    private TestAuthority Authority => certificates.Authority;

    private X509Certificate2 Leaf => certificates.Leaf;

    public static TheoryData<int, int> SelectorsAndMatchings => new(
        from selector in new[] { 0, 1 } from matching in new[] { 0, 1, 2 } select (selector, matching));

    [Theory]
    [MemberData(nameof(SelectorsAndMatchings))]
    public void TheServersOwnCertificateFits(int selector, int matching)
    {
        Assert.Null(Check(Leaf, [], Of(3, selector, matching, Leaf)));
        Assert.Equal(TlsFailureKind.Refused, Check(Authority.Issue(Host), [], Of(3, selector, matching, Leaf))?.Kind);
    }

    [Theory]
    [MemberData(nameof(SelectorsAndMatchings))]
    public void AnIssuerInTheChainFits(int selector, int matching)
    {
        Assert.Null(Check(Leaf, [Authority.Intermediate, Authority.Root], Of(2, selector, matching, Authority.Root)));
        Assert.Null(Check(Leaf, [Authority.Root, Authority.Intermediate], Of(2, selector, matching, Authority.Intermediate)));
        Assert.Null(Check(Leaf, [Authority.Intermediate], Of(2, selector, matching, Authority.Intermediate)));
    }

    [Fact]
    public void NeitherNameNorDateMattersToTheServersOwnCertificate()
    {
        using var other = Authority.Issue("other.test", DateTimeOffset.UtcNow.AddDays(-1));

        Assert.Null(Check(other, [], Of(3, 1, 1, other)));
    }

    [Fact]
    public void ATrustAnchorNeedsTheNameOfTheHostOrTheDomain()
    {
        using var other = Authority.Issue("other.test");
        using var domain = Authority.Issue("one.test");
        using var wildcard = Authority.Issue("*.one.test");

        Assert.Equal(TlsFailureKind.HostMismatch, Check(other, [Authority.Intermediate], Of(2, 0, 1, Authority.Intermediate))?.Kind);
        Assert.Null(Check(domain, [Authority.Intermediate], Of(2, 0, 1, Authority.Intermediate)));
        Assert.Null(Check(wildcard, [Authority.Intermediate], Of(2, 0, 1, Authority.Intermediate)));
    }

    [Fact]
    public void ATrustAnchorNeedsACertificateThatIsGoodNow()
    {
        using var expired = Authority.Issue(Host, DateTimeOffset.UtcNow.AddDays(-1));
        using var forClients = TestAuthority.Certificate($"CN={Host}", Authority.Intermediate, ca: false, Host, usage: ClientAuthentication);

        Assert.Equal(TlsFailureKind.Expired, Check(expired, [Authority.Intermediate], Of(2, 0, 1, Authority.Intermediate))?.Kind);
        Assert.Equal(TlsFailureKind.NotTrusted, Check(forClients, [Authority.Intermediate], Of(2, 0, 1, Authority.Intermediate))?.Kind);
    }

    [Fact]
    public void ATrustAnchorThatWasNotSentFitsOnlyWhereItStandsInDns()
    {
        Assert.Null(Check(Leaf, [Authority.Intermediate], Of(2, 0, 0, Authority.Root)));
        Assert.Equal(TlsFailureKind.Refused, Check(Leaf, [Authority.Intermediate], Of(2, 0, 1, Authority.Root))?.Kind);
        Assert.Equal(TlsFailureKind.Refused, Check(Leaf, [], Of(2, 0, 1, Authority.Intermediate))?.Kind);
    }

    [Fact]
    public void AnotherIssuerOfTheSameNameDoesNotFit()
    {
        using var forger = new TestAuthority();
        using var forged = forger.Issue(Host);

        // With the true chain beside it, in any order.
        Assert.NotNull(Check(forged, [Authority.Intermediate, Authority.Root], Of(2, 0, 1, Authority.Root)));
        Assert.NotNull(Check(forged, [forger.Intermediate, Authority.Intermediate, Authority.Root], Of(2, 0, 1, Authority.Root)));
        Assert.NotNull(Check(forged, [forger.Intermediate, Authority.Root], Of(2, 1, 1, Authority.Root)));
        Assert.NotNull(Check(forged, [Authority.Root, Authority.Intermediate, forger.Intermediate, forger.Root], Of(2, 1, 1, Authority.Intermediate)));
        Assert.NotNull(Check(forged, [forger.Intermediate], Of(2, 0, 0, Authority.Root)));
    }

    [Fact]
    public void WhoeverHasACertificateIsNoIssuer()
    {
        using var below = TestAuthority.Certificate($"CN={Host}", Leaf, ca: false, Host);

        Assert.NotNull(Check(below, [Leaf, Authority.Intermediate, Authority.Root], Of(2, 0, 1, Authority.Root)));
    }

    [Fact]
    public void ARecordOfOneUsageDoesNotFitTheOther()
    {
        Assert.Equal(TlsFailureKind.Refused, Check(Leaf, [Authority.Intermediate], Of(3, 0, 1, Authority.Intermediate))?.Kind);
        Assert.Equal(TlsFailureKind.Refused, Check(Leaf, [Authority.Intermediate], Of(2, 0, 1, Leaf))?.Kind);
        Assert.Equal(TlsFailureKind.Refused, Check(Leaf, [])?.Kind);
    }

    [Fact]
    public void OneOfSeveralRecordsIsEnough()
    {
        using var other = Authority.Issue(Host);

        Assert.Null(Check(Leaf, [], Of(3, 1, 1, other), Of(2, 0, 1, other), Of(3, 1, 1, Leaf)));
        Assert.Null(Check(Leaf, [Authority.Intermediate], Of(3, 1, 1, other), Of(2, 0, 1, Authority.Intermediate)));
    }

    [Fact]
    public void ATrustAnchorThatIsNoCertificateFitsNothing()
    {
        var junk = new TlsaAssociation(TlsaUsage.TrustAnchor, TlsaSelector.Certificate, TlsaMatching.Exact, [1, 2, 3]);

        Assert.Equal(TlsFailureKind.Refused, Check(Leaf, [Authority.Intermediate], junk)?.Kind);
    }

    internal static TlsaAssociation Of(int usage, int selector, int matching, X509Certificate2 certificate)
    {
        var data = selector == 0 ? certificate.RawData : certificate.PublicKey.ExportSubjectPublicKeyInfo();
        return new TlsaAssociation(
            (TlsaUsage)usage, (TlsaSelector)selector, (TlsaMatching)matching,
            [.. matching switch { 1 => SHA256.HashData(data), 2 => SHA512.HashData(data), _ => data }]);
    }

    private static TlsFailure? Check(X509Certificate2 leaf, X509Certificate2[] sent, params ImmutableArray<TlsaAssociation> associations) =>
        TlsaMatcher.Check(associations, [Host, "one.test"], leaf, [.. sent], DateTimeOffset.UtcNow);
}
