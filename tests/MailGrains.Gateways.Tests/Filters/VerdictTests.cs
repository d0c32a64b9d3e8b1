using System.Text;
using MailGrains.Gateways.Filters;
using MailGrains.Messages.Headers;

namespace MailGrains.Gateways.Tests.Filters;

public sealed class VerdictTests
{
    public static TheoryData<FilterAction[], FilterAction, string> Orders
    {
        get
        {
            var orders = new TheoryData<FilterAction[], FilterAction, string>();
            var actions = Enum.GetValues<FilterAction>();
            foreach (var first in actions)
            {
                foreach (var second in actions)
                {
                    orders.Add([first, second], first >= second ? first : second, first >= second ? "a" : "b");
                }
            }

            return orders;
        }
    }

    [Fact]
    public void RejectIsWorseThanDeferThanJunkThanAccept()
    {
        Assert.Equal(
            [FilterAction.Accept, FilterAction.Junk, FilterAction.Defer, FilterAction.Reject], Enum.GetValues<FilterAction>().Order());
    }

    [Theory]
    [MemberData(nameof(Orders))]
    public void WorstVerdictWinsAndOfEqualOnesTheFirstIsNamed(FilterAction[] actions, FilterAction expected, string decisive)
    {
        var verdict = MessageVerdict.Of([new(actions[0], "a", "one"), new(actions[1], "b", "two")], isSubmission: false);

        Assert.Equal(expected, verdict.Action);
        if (verdict.Refusal("t1") is { } refusal)
        {
            Assert.Contains($"({decisive}: ", refusal.Text, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(FilterAction.Accept, FilterAction.Accept, null)]
    [InlineData(FilterAction.Junk, FilterAction.Accept, null)]
    [InlineData(FilterAction.Defer, FilterAction.Defer, "451 4.7.1")]
    [InlineData(FilterAction.Reject, FilterAction.Reject, "550 5.7.1")]
    public void UsersOwnMailIsNobodysJunk(FilterAction said, FilterAction expected, string? status)
    {
        var verdict = MessageVerdict.Of([new(said, "a", "one")], isSubmission: true);

        Assert.Equal(expected, verdict.Action);
        Assert.Equal(status, verdict.Refusal("t1")?.Status);
        Assert.Contains($"a={said.ToString().ToLowerInvariant()} (one)", FieldsOf(verdict), StringComparison.Ordinal);
    }

    [Fact]
    public void RefusalsNameFilterReasonAndMessage()
    {
        var rejected = MessageVerdict.Of([new(FilterAction.Reject, "clamd", "Eicar-1")], isSubmission: false);
        var deferred = MessageVerdict.Of([new(FilterAction.Defer, "rspamd", "greylist")], isSubmission: false);

        Assert.Equal("550 5.7.1 Message refused (clamd: Eicar-1), id t1", rejected.Refusal("t1")!.ToString());
        Assert.Equal("451 4.7.1 Message not taken now (rspamd: greylist), try again later, id t1", deferred.Refusal("t1")!.ToString());
    }

    [Fact]
    public void FieldsSayWhoFoundWhat()
    {
        var verdict = MessageVerdict.Of(
            [
                new(FilterAction.Accept, "clamd", "timeout") { Failed = true },
                new(FilterAction.Junk, "rspamd", "add-header") { Score = 7, Fields = [new("X-Spam-Score", HeaderText.Of("7.00"))] },
            ],
            isSubmission: false);

        Assert.Equal(
            "X-MailGrains-Verdict: mx.test; junk; clamd=accept (failed: timeout);\r\n\trspamd=junk (add-header, 7.00)\r\n" +
            "X-Spam-Flag: YES\r\nX-Spam-Score: 7.00\r\n",
            FieldsOf(verdict));
        Assert.Equal("junk; clamd=accept (failed: timeout); rspamd=junk (add-header, 7.00)", verdict.ToString());
    }

    [Theory]
    [InlineData("Win.Test.EICAR_HDB-1", "Win.Test.EICAR_HDB-1")]
    [InlineData("", "-")]
    [InlineData("add header", "add-header")]
    [InlineData("a\r\nSubject: b\0(c); d=\u00E9", "a--Subject--b--c---d--")]
    public void ReasonIsOneWordWhateverItWas(string text, string token)
    {
        Assert.Equal(token, FilterVerdict.Token(text));
    }

    [Fact]
    public void NoFieldOfAFilterBreaksOutOfItsLine()
    {
        var verdict = MessageVerdict.Of(
            [new(FilterAction.Accept, "a", "b") { Fields = [new("X-A", HeaderText.Of("one\r\nX-Evil: two\0\r\n\r\nbody"))] }], isSubmission: false);

        Assert.Equal("X-MailGrains-Verdict: mx.test; accept; a=accept (b)\r\nX-A: one X-Evil: two body\r\n", FieldsOf(verdict));
    }

    private static string FieldsOf(MessageVerdict verdict) => Encoding.UTF8.GetString(verdict.Fields("mx.test"));
}
