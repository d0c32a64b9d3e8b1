using System.Globalization;
using System.Net;
using System.Text;
using MailGrains.Gateways.Accounts;
using MailGrains.Gateways.Pop3;
using MailGrains.Gateways.Smtp;
using MailGrains.Gateways.Submissions;
using MailGrains.Gateways.Tests.Wire;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace MailGrains.Gateways.Tests.Misbehaviour;

/// <summary>Gateways of a test's own on the shared cluster: their logs are kept, and their clock is the test's.</summary>
internal sealed class WatchedGateways
{
    private const int MaxMessageBytes = 512 << 10;

    private readonly RecordedLog<SmtpGateway> _smtpSessions = new();
    private readonly RecordedLog<Pop3Backend> _pop3Sessions = new();
    private readonly RecordedLog<SmtpBackend> _messages = new();
    private readonly RecordedLog<Submission> _submissions = new();
    private readonly RecordedLog<AccountLogins> _logins = new();
    private readonly SmtpGateway _smtp;
    private readonly Pop3Gateway _pop3;

    /// <param name="time">Null: one that stands still.</param>
    /// <param name="greetDelay">For peers that are not trusted.</param>
    public WatchedGateways(GatewayCluster cluster, TimeProvider? time = null, TimeSpan greetDelay = default)
    {
        var services = cluster.Services;
        var parts = services.GetRequiredService<SmtpParts>();
        var clock = time ?? Time;
        parts = parts with
        {
            Options = parts.Options with { GreetDelay = greetDelay, MaxMessageBytes = MaxMessageBytes },
            Time = clock,
            Logger = _messages,
            SubmissionLogger = _submissions,
        };
        var logins = services.GetRequiredService<LoginParts>() with { Time = clock, Logger = _logins };
        _smtp = ActivatorUtilities.CreateInstance<SmtpGateway>(services, parts, logins, _smtpSessions);
        _pop3 = ActivatorUtilities.CreateInstance<Pop3Gateway>(services, logins, clock, _pop3Sessions);
    }

    public FakeTimeProvider Time { get; } = new(DateTimeOffset.UnixEpoch.AddDays(20_000));

    /// <summary>What the log says of whole sessions.</summary>
    public IReadOnlyList<string> SessionLines => [.. _smtpSessions.Lines, .. _pop3Sessions.Lines];

    private IEnumerable<string> AllLines => [.. SessionLines, .. _messages.Lines, .. _submissions.Lines, .. _logins.Lines];

    public WireConnection OpenSmtp(SmtpListener listener, string peer = "127.0.0.1") =>
        new(connection => _smtp.RunAsync(connection, listener), IPAddress.Parse(peer));

    public WireConnection OpenPop3(bool implicitTls = false, string peer = "127.0.0.1") =>
        new(connection => _pop3.RunAsync(connection, implicitTls), IPAddress.Parse(peer));

    /// <summary>Minute after minute passes until the gateway has let go.</summary>
    public async Task WaitForEndAsync(WireConnection wire)
    {
        for (var minute = 0; !wire.Session.IsCompleted; minute++)
        {
            Assert.True(minute < 10_000, "the session does not end");
            Time.Advance(TimeSpan.FromMinutes(1));
            await Task.WhenAny(wire.Session, Task.Delay(1));
        }
    }

    /// <summary>Nothing in the log can end a line, move a cursor or turn the reading direction.</summary>
    public void CheckThatTheLogIsPlainText() => Assert.All(AllLines, line => Assert.DoesNotContain(line.EnumerateRunes(), IsHarmful));

    public bool HasLogged(string text) => AllLines.Any(line => line.Contains(text, StringComparison.Ordinal));

    private static bool IsHarmful(Rune rune) => Rune.GetUnicodeCategory(rune) is
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.Surrogate;
}
