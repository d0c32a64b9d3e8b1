using MailGrains.Testing.Dns;

namespace MailGrains.Grains.Tests.Relay.Destinations;

public sealed class AnswerCacheTests : IAsyncDisposable
{
    private readonly LookupHarness _to = new();

    public ValueTask DisposeAsync() => _to.DisposeAsync();

    private int Asked(string name, DnsType type) => _to.Dns.Asked.Count(question => question.Name == name && question.Type == type);

    [Fact]
    public async Task AnAnswerIsKeptForItsTimeToLive()
    {
        _to.Dns.Add("one.test", DnsType.Mx, "10 mx.test", timeToLive: 300);
        _to.Dns.Add("mx.test", DnsType.A, "192.0.2.1", timeToLive: 100);
        await _to.FindAsync("one.test");

        _to.Time.Advance(TimeSpan.FromSeconds(99));
        await _to.FindAsync("one.test");
        Assert.Equal((1, 1), (Asked("one.test", DnsType.Mx), Asked("mx.test", DnsType.A)));

        _to.Time.Advance(TimeSpan.FromSeconds(1));
        await _to.FindAsync("one.test");
        Assert.Equal((1, 2), (Asked("one.test", DnsType.Mx), Asked("mx.test", DnsType.A)));

        _to.Time.Advance(TimeSpan.FromSeconds(200));
        await _to.FindAsync("one.test");
        Assert.Equal(2, Asked("one.test", DnsType.Mx));
    }

    [Theory]
    [InlineData(0, 30)]
    [InlineData(1_000_000, 86_400)]
    public async Task TimesToLiveHaveBounds(int timeToLive, int keptFor)
    {
        _to.Dns.Add("one.test", DnsType.Mx, "0 .", timeToLive);

        await CheckAsync(keptFor);
    }

    [Theory]
    [InlineData(120, 3600, 120)]
    [InlineData(3600, 60, 60)]
    [InlineData(86_400, 86_400, 900)]
    [InlineData(null, 0, 30)]
    public async Task AnAbsenceIsKeptAsTheZoneSays(int? minimum, int timeToLive, int keptFor)
    {
        if (minimum is { } seconds)
        {
            _to.Dns.Add("test", DnsType.Soa, $"{seconds}", timeToLive);
        }

        await CheckAsync(keptFor);
    }

    [Fact]
    public async Task AnAliasShortensHowLongAnAnswerIsKept()
    {
        _to.Dns.Add("one.test", DnsType.Cname, "two.test", timeToLive: 40);
        _to.Dns.Add("two.test", DnsType.Mx, "0 .", timeToLive: 3600);

        await CheckAsync(40);
    }

    [Fact]
    public async Task AFailureIsKeptForAMoment()
    {
        _to.Dns.Fail("one.test");
        await _to.FindAsync("one.test");

        _to.Dns.Mend("one.test");
        _to.AddDomain("one.test");
        _to.Time.Advance(TimeSpan.FromSeconds(29));
        Assert.Empty((await _to.FindAsync("one.test")).Hosts);
        _to.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("mx.one.test", await _to.NamesAsync("one.test"));
    }

    [Fact]
    public async Task WhoAsksForTheSameAtTheSameTimeWaitsForOneAnswerAndMayGiveUpAlone()
    {
        _to.AddDomain("one.test");
        _to.Dns.Hold("one.test");
        using var impatient = new CancellationTokenSource();
        var given = _to.Lookup.FindAsync("one.test", impatient.Token);
        var others = Enumerable.Range(0, 20).Select(_ => _to.NamesAsync("one.test")).ToArray();

        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => given);
        _to.Dns.Release("one.test");

        Assert.All(await Task.WhenAll(others), names => Assert.Equal("mx.one.test", names));
        Assert.Equal(1, Asked("one.test", DnsType.Mx));
    }

    [Fact]
    public async Task TheAnswerThatWasAskedForLongestAgoIsForgottenForANewOne()
    {
        _to.Options = _to.Options with { KnownAnswers = 2 };
        foreach (var name in new[] { "a.test", "b.test", "c.test" })
        {
            _to.Dns.Add(name, DnsType.Mx, "0 .");
        }

        foreach (var name in new[] { "a.test", "b.test", "a.test", "c.test", "a.test", "b.test" })
        {
            await _to.FindAsync(name);
        }

        Assert.Equal((1, 2, 1), (Asked("a.test", DnsType.Mx), Asked("b.test", DnsType.Mx), Asked("c.test", DnsType.Mx)));
    }

    private async Task CheckAsync(int keptFor)
    {
        await _to.FindAsync("one.test");
        _to.Time.Advance(TimeSpan.FromSeconds(keptFor - 1));
        await _to.FindAsync("one.test");
        Assert.Equal(1, Asked("one.test", DnsType.Mx));
        _to.Time.Advance(TimeSpan.FromSeconds(1));
        await _to.FindAsync("one.test");
        Assert.Equal(2, Asked("one.test", DnsType.Mx));
    }
}
