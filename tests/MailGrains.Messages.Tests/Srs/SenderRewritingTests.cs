using System.Text;
using CsCheck;
using MailGrains.Messages.Srs;
using Microsoft.Extensions.Time.Testing;

namespace MailGrains.Messages.Tests.Srs;

public sealed class SenderRewritingTests
{
    private static readonly byte[] Key = [.. "0123456789abcdef"u8];
    private static readonly byte[] OtherKey = [.. "fedcba9876543210"u8];
    private static readonly DateTimeOffset Start = new(2025, 11, 25, 12, 0, 0, TimeSpan.Zero);

    private readonly FakeTimeProvider _time = new(Start);
    private readonly SenderRewriting _srs;

    public SenderRewritingTests() => _srs = new SenderRewriting([Key], _time);

    [Fact]
    public void ARewrittenSenderNamesItsDomainAndLocalpart()
    {
        var rewritten = _srs.Rewrite("Alice", "sender.test", "forward.test");
        Assert.Matches("^SRS0=[A-Z2-7]{8}=[A-Z2-7]{2}=sender\\.test=Alice$", rewritten);
        Assert.Equal(new SrsReversal(SrsStatus.Reversed, "Alice", "sender.test"), _srs.Reverse(rewritten!, "forward.test"));
    }

    [Fact]
    public void AddressesStayTheSame() => Assert.Equal("SRS0=XLGJFFMD=6B=sender.test=alice", _srs.Rewrite("alice", "sender.test", "forward.test"));

    [Fact]
    public void CaseIsNoMatter()
    {
        var rewritten = _srs.Rewrite("Alice", "sender.test", "forward.test")!;
        Assert.Equal(new SrsReversal(SrsStatus.Reversed, "alice", "sender.test"), _srs.Reverse(rewritten.ToLowerInvariant(), "FORWARD.test"));
        Assert.Equal(new SrsReversal(SrsStatus.Reversed, "ALICE", "SENDER.TEST"), _srs.Reverse(rewritten.ToUpperInvariant(), "forward.test"));
    }

    [Theory]
    [InlineData(0, SrsStatus.Reversed)]
    [InlineData(21, SrsStatus.Reversed)]
    [InlineData(22, SrsStatus.Expired)]
    [InlineData(500, SrsStatus.Expired)]
    [InlineData(1_022, SrsStatus.Expired)]
    [InlineData(-1, SrsStatus.Reversed)]
    [InlineData(-2, SrsStatus.Expired)]
    public void ItLastsForThreeWeeks(int days, SrsStatus expected)
    {
        var rewritten = _srs.Rewrite("alice", "sender.test", "forward.test")!;
        var later = new SenderRewriting([Key], new FakeTimeProvider(Start.AddDays(days)));
        Assert.Equal(expected, later.Reverse(rewritten, "forward.test").Status);
    }

    [Fact]
    public void TheDayStampGoesRoundWithoutAGap()
    {
        for (var day = 0; day < 1_024; day++)
        {
            var rewritten = _srs.Rewrite("alice", "sender.test", "forward.test")!;
            _time.Advance(TimeSpan.FromDays(1));
            Assert.Equal(SrsStatus.Reversed, _srs.Reverse(rewritten, "forward.test").Status);
        }
    }

    [Fact]
    public void WhatIsForwardedAgainIsWrappedOnceAndGoesBackToTheFirstForwarder()
    {
        var second = new SenderRewriting([OtherKey], _time);
        var third = new SenderRewriting([Key, OtherKey], _time);
        var srs0 = _srs.Rewrite("alice", "sender.test", "first.test")!;
        var srs1 = second.Rewrite(srs0, "first.test", "second.test")!;
        Assert.Matches($"^SRS1=[A-Z2-7]{{8}}=first\\.test={srs0[4..].Replace(".", "\\.", StringComparison.Ordinal)}$", srs1);
        var again = third.Rewrite(srs1, "second.test", "third.test")!;
        Assert.Equal(srs1.Length, again.Length);
        Assert.Equal(srs1[14..], again[14..]);
        Assert.NotEqual(srs1, again);
        Assert.Equal(new SrsReversal(SrsStatus.Reversed, srs0, "first.test"), third.Reverse(again, "third.test"));
        Assert.Equal(new SrsReversal(SrsStatus.Reversed, srs0, "first.test"), second.Reverse(srs1, "second.test"));
        Assert.Equal(new SrsReversal(SrsStatus.Reversed, "alice", "sender.test"), _srs.Reverse(srs0, "first.test"));
    }

    [Fact]
    public void ARoundOfForwardersGoesBackInOneStep()
    {
        var (localpart, domain) = ("alice", "sender.test");
        for (var hop = 0; hop < 30; hop++)
        {
            var forwarder = hop % 2 == 0 ? "a.test" : "b.test";
            (localpart, domain) = (_srs.Rewrite(localpart, domain, forwarder)!, forwarder);
            Assert.InRange(localpart.Length, 1, 70);
        }

        var back = _srs.Reverse(localpart, domain);
        back = _srs.Reverse(back.Localpart, back.Domain);
        Assert.Equal(new SrsReversal(SrsStatus.Reversed, "alice", "sender.test"), back);
    }

    [Theory]
    [InlineData("alice")]
    [InlineData("SRS0=AAAAAAAA=AA=sender.test=alice")]
    [InlineData("SRS1=AAAAAAAA=x.test==y")]
    public void ASenderOfTheForwarderItselfStaysAsItIs(string localpart) =>
        Assert.Equal(localpart, _srs.Rewrite(localpart, "Forward.test", "forward.test"));

    [Theory]
    [InlineData("SRS0+foreign+xy+sender.test+alice")]
    [InlineData("SRS0-anything")]
    [InlineData("SRS1=x")]
    [InlineData("a=b=c")]
    [InlineData("\"odd\" one")]
    [InlineData("grüße")]
    public void WhateverOthersMadeComesBackToThem(string localpart)
    {
        var rewritten = _srs.Rewrite(localpart, "other.test", "forward.test")!;
        var back = _srs.Reverse(rewritten, "forward.test");
        Assert.Equal(new SrsReversal(SrsStatus.Reversed, localpart, "other.test"), back);
    }

    [Fact]
    public void AnAddressThatAnotherForwarderWrappedGoesBackToTheFirst()
    {
        var rewritten = _srs.Rewrite("SRS1+hash=first.test=-AAA=BB=sender.test=alice", "other.test", "forward.test")!;
        Assert.Equal(new SrsReversal(SrsStatus.Reversed, "SRS0-AAA=BB=sender.test=alice", "first.test"), _srs.Reverse(rewritten, "forward.test"));
    }

    [Theory]
    [InlineData("alice", SrsStatus.NotRewritten)]
    [InlineData("srsly=x", SrsStatus.NotRewritten)]
    [InlineData("SRS0", SrsStatus.NotRewritten)]
    [InlineData("SRS2=a=b", SrsStatus.NotRewritten)]
    [InlineData("SRS0=a", SrsStatus.Forged)]
    [InlineData("SRS0=AAAAAAAA=AA=sender.test=alice", SrsStatus.Forged)]
    [InlineData("SRS0==AA=sender.test=alice", SrsStatus.Forged)]
    [InlineData("SRS0=AAAAAAAA=A=sender.test=alice", SrsStatus.Forged)]
    [InlineData("SRS1=AAAAAAAA=first.test==x", SrsStatus.Forged)]
    [InlineData("SRS1=AAAAAAAA", SrsStatus.Forged)]
    public void OnlyWhatWeMadeIsReversed(string localpart, SrsStatus expected) =>
        Assert.Equal(new SrsReversal(expected, "", ""), _srs.Reverse(localpart, "forward.test"));

    [Fact]
    public void AnyChangeIsFoundOut()
    {
        var rewritten = _srs.Rewrite("alice", "sender.test", "forward.test")!;
        for (var at = 5; at < rewritten.Length; at++)
        {
            var changed = rewritten[..at] + (rewritten[at] == 'Z' ? 'Y' : 'Z') + rewritten[(at + 1)..];
            Assert.Equal(SrsStatus.Forged, _srs.Reverse(changed, "forward.test").Status);
        }

        Assert.Equal(SrsStatus.Forged, _srs.Reverse(rewritten, "other-tenant.test").Status);
        Assert.Equal(SrsStatus.Forged, new SenderRewriting([OtherKey], _time).Reverse(rewritten, "forward.test").Status);
    }

    [Fact]
    public void ANewKeySignsAndTheOldOneStillVerifies()
    {
        var old = _srs.Rewrite("alice", "sender.test", "forward.test")!;
        var both = new SenderRewriting([OtherKey, Key], _time);
        var rewritten = both.Rewrite("alice", "sender.test", "forward.test")!;
        Assert.NotEqual(old, rewritten);
        Assert.Equal(SrsStatus.Reversed, both.Reverse(old, "forward.test").Status);
        Assert.Equal(SrsStatus.Reversed, both.Reverse(rewritten, "forward.test").Status);
        Assert.Equal(SrsStatus.Forged, _srs.Reverse(rewritten, "forward.test").Status);
    }

    [Fact]
    public void WhatWouldBeTooLongIsNotRewritten()
    {
        var longest = new string('x', SenderRewriting.MaxLocalpartBytes - "SRS0=12345678=12=sender.test=".Length);
        Assert.Equal(longest, _srs.Reverse(_srs.Rewrite(longest, "sender.test", "forward.test")!, "forward.test").Localpart);
        Assert.Null(_srs.Rewrite(longest + "x", "sender.test", "forward.test"));
        Assert.Null(_srs.Rewrite("", "sender.test", "forward.test"));
        Assert.Null(_srs.Rewrite("alice", "", "forward.test"));
        Assert.Equal(SrsStatus.Forged, _srs.Reverse("SRS0=" + new string('=', 10_000), "forward.test").Status);
        Assert.Equal(SrsStatus.NotRewritten, _srs.Reverse(new string('=', 10_000), "forward.test").Status);
    }

    [Fact]
    public void KeysAreLongEnough()
    {
        Assert.Throws<ArgumentException>(() => new SenderRewriting([], _time));
        Assert.Throws<ArgumentException>(() => new SenderRewriting([Key, new byte[SenderRewriting.MinKeyBytes - 1]], _time));
    }

    [Fact]
    public void EveryAddressComesBack() => Gen.Select(
        Gen.OneOf(
            Gen.String[Gen.Char[' ', '~'], 1, 60],
            Gen.OneOf("SRS0=", "SRS1=", "=", "+", "-", "a", "b.test", " ").Array[1, 9].Select(string.Concat),
            Gen.String[Gen.Char['\u00A1', '\u0FFF'], 1, 20]),
        Gen.String[Gen.Char['a', 'z'], 1, 20]).Sample((localpart, domain) =>
    {
        var rewritten = _srs.Rewrite(localpart, domain, "forward.test")!;
        Assert.True(Encoding.UTF8.GetByteCount(rewritten) <= SenderRewriting.MaxLocalpartBytes);
        var back = _srs.Reverse(rewritten, "forward.test");
        Assert.Equal(SrsStatus.Reversed, back.Status);
        if (back.Domain == domain)
        {
            Assert.Equal(localpart, back.Localpart, ignoreCase: localpart.StartsWith("srs0", StringComparison.OrdinalIgnoreCase));
        }
        else
        {
            Assert.StartsWith("SRS1", localpart, StringComparison.OrdinalIgnoreCase);
        }
    });
}
