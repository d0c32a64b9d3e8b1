using System.Text.RegularExpressions;

namespace MailGrains.Gateways.Tests.Misbehaviour;

/// <summary>What a session answered, each reply with the form that RFC 5321 §4.2 and RFC 2034 ask for.</summary>
internal sealed partial class SmtpReplies
{
    // RFC 2034: no enhanced code in the greeting, in what EHLO and HELO answer, and in 3yz.
    private static readonly string[] WithoutEnhancedCode = ["220 " + GatewayCluster.HostName, "250 " + GatewayCluster.HostName, "250-" + GatewayCluster.HostName, "334 ", "354 "];

    private SmtpReplies(IReadOnlyList<string> statuses, string? lastRefusal) => (Statuses, LastRefusal) = (statuses, lastRefusal);

    /// <summary>Such as <c>250 2.1.0</c>, or the code alone.</summary>
    public IReadOnlyList<string> Statuses { get; }

    /// <summary>The text of the last reply of 4yz or 5yz with its codes; null: there was none.</summary>
    public string? LastRefusal { get; }

    public static SmtpReplies Read(string text)
    {
        Assert.True(text.Length == 0 || text.EndsWith("\r\n", StringComparison.Ordinal), "the last reply has no end");
        var statuses = new List<string>();
        string? lastRefusal = null;
        var isOpen = false;
        foreach (var line in text.Split("\r\n", StringSplitOptions.RemoveEmptyEntries))
        {
            if (!isOpen && !WithoutEnhancedCode.Any(prefix => line.StartsWith(prefix, StringComparison.Ordinal)))
            {
                var match = Status().Match(line);
                Assert.True(match.Success && line[0] == line[4], $"no enhanced code: {line}");
                statuses.Add(match.Value.Replace('-', ' ').TrimEnd());
                lastRefusal = line[0] is '4' or '5' ? line : lastRefusal;
            }
            else if (!isOpen)
            {
                statuses.Add(line[..3]);
            }

            Assert.True(line.All(c => c is >= ' ' and <= '~'), $"not plain: {line}");
            isOpen = line[3] == '-';
        }

        Assert.False(isOpen, "the last reply is not whole");
        return new SmtpReplies(statuses, lastRefusal);
    }

    [GeneratedRegex(@"^[2-5][0-9][0-9][ -][245]\.[0-9]{1,3}\.[0-9]{1,3} ", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex Status();
}
