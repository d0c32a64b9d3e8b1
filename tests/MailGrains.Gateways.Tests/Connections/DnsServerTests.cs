using DnsClient;
using DnsClient.Protocol;
using MailGrains.Testing.Dns;

namespace MailGrains.Gateways.Tests.Connections;

/// <summary>The tests' own DNS server, as a client of others' making sees it.</summary>
public sealed class DnsServerTests
{
    [Fact]
    public async Task EveryTypeOfRecordIsReadAsItWasWritten()
    {
        await using var dns = DnsServer.Start();
        dns.Add("one.test", DnsType.Mx, "10 mx.one.test");
        dns.Add("one.test", DnsType.Mx, "0 .");
        dns.Add("one.test", DnsType.Txt, new string('a', 300));
        dns.Add("_25._tcp.mx.one.test", DnsType.Tlsa, "3 1 1 ABCDEF");
        var client = Client(dns);

        var exchanges = (await client.QueryAsync("one.test", QueryType.MX, cancellationToken: Cancel)).Answers.MxRecords();
        Assert.Equal(["10 mx.one.test.", "0 ."], exchanges.Select(r => $"{r.Preference} {r.Exchange}"));
        Assert.Equal(new string('a', 300), string.Concat(Assert.Single((await client.QueryAsync("one.test", QueryType.TXT, cancellationToken: Cancel)).Answers.TxtRecords()).Text));
        var tlsa = Assert.Single((await client.QueryAsync("_25._tcp.mx.one.test", QueryType.TLSA, cancellationToken: Cancel)).Answers.OfType<TlsaRecord>());
        Assert.Equal([0xAB, 0xCD, 0xEF], tlsa.CertificateAssociationData);
    }

    [Theory]
    [InlineData("one.test", DnsHeaderResponseCode.NoError)]
    [InlineData("test", DnsHeaderResponseCode.NoError)]
    [InlineData("two.test", DnsHeaderResponseCode.NotExistentDomain)]
    [InlineData("bad.test", DnsHeaderResponseCode.ServerFailure)]
    public async Task WhatIsNotThereIsToldFromWhatDoesNotExistAndWhatFails(string name, DnsHeaderResponseCode code)
    {
        await using var dns = DnsServer.Start();
        dns.Add("one.test", DnsType.A, "192.0.2.1");
        dns.Fail("bad.test");

        var response = await Client(dns).QueryAsync(name, QueryType.MX, cancellationToken: Cancel);

        Assert.Equal(code, response.Header.ResponseCode);
        Assert.Empty(response.Answers);
    }

    [Fact]
    public async Task AnAnswerThatIsTooLargeForADatagramComesOverTcp()
    {
        await using var dns = DnsServer.Start();
        for (var i = 0; i < 30; i++)
        {
            dns.Add("one.test", DnsType.Txt, $"{i} {new string('a', 200)}");
        }

        Assert.Equal(30, (await Client(dns).QueryAsync("one.test", QueryType.TXT, cancellationToken: Cancel)).Answers.Count);
        Assert.Contains(dns.Asked, question => question.OverTcp);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static LookupClient Client(DnsServer dns) => new(new LookupClientOptions(dns.EndPoint) { UseCache = false, Timeout = TimeSpan.FromSeconds(20) });
}
