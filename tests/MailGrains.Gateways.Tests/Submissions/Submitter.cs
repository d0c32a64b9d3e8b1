using System.Net;
using System.Text;
using MailGrains.Contracts.Directory;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Gateways.Smtp;
using MailGrains.Gateways.Submissions;
using MailGrains.Protocols.Smtp;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace MailGrains.Gateways.Tests.Submissions;

/// <summary>A connection that has logged in, below the SMTP session: what the session does for it is done here in pieces of any size.</summary>
internal sealed class Submitter
{
    private readonly GatewayCluster _cluster;

    private Submitter(GatewayCluster cluster, LoginAccount login)
    {
        _cluster = cluster;
        SenderRightsOf rights = (_, _) => new(Rights);
        Submission = ActivatorUtilities.CreateInstance<Submission>(
            cluster.Services, login, rights, Time, NullLogger<Submission>.Instance);
    }

    public Submission Submission { get; }

    public FakeTimeProvider Time { get; } = new(DateTimeOffset.UnixEpoch.AddDays(20_000));

    /// <summary>Null: the account is disabled.</summary>
    public SenderRights? Rights { get; set; } = new([], null);

    /// <summary>The octets of a piece; all of them where it is 0.</summary>
    public int PieceBytes { get; init; }

    public bool SmtpUtf8 { get; init; }

    public static async Task<Submitter> LogInAsync(GatewayCluster cluster, TestTenant tenant, string localpart, int pieceBytes = 0, bool smtpUtf8 = false) =>
        new(cluster, await LoginAsync(tenant, localpart)) { PieceBytes = pieceBytes, SmtpUtf8 = smtpUtf8 };

    public static async Task<LoginAccount> LoginAsync(TestTenant tenant, string localpart) =>
        new(tenant.Name, tenant.Address(localpart), await tenant.MailboxAsync(localpart), null);

    public static ReversePath PathOf(string address)
    {
        var at = address.LastIndexOf('@');
        return address.Length == 0 ? ReversePath.Null : new ReversePath(new Mailbox(address[..at], address[(at + 1)..]), address);
    }

    /// <summary>MAIL's answer; 250 where it is none.</summary>
    public async Task<string> MailAsync(string address) => (await Submission.CheckSenderAsync(PathOf(address), default) ?? SmtpReply.SenderOk250).ToString();

    /// <summary>A whole transaction to one mailbox; the reply to its content.</summary>
    public async Task<string> SendAsync(string sender, string content, TestTenant tenant, params IReadOnlyList<string> recipients)
    {
        Assert.StartsWith("250", await MailAsync(sender), StringComparison.Ordinal);
        if (await Submission.TakeAllowanceAsync(recipients.Count, default) is { } over)
        {
            return over.ToString();
        }

        var transaction = new Transaction(PathOf(sender), new MailParameters { SmtpUtf8 = SmtpUtf8 });
        foreach (var recipient in recipients)
        {
            transaction.Add(new AcceptedRecipient(tenant.Address(recipient), [new LocalTarget(await tenant.MailboxAsync(recipient), "")], null));
        }

        var now = DateTimeOffset.UtcNow;
        using var message = new IncomingMessage(
            transaction, new MessageOrigin(IPAddress.Loopback, new SmtpHello("client.test", true), EmailId.New(now), now),
            _cluster.Services.GetRequiredService<GatewayOptions>(), _cluster.Services.GetRequiredService<HandOver>(),
            _cluster.Services.GetRequiredService<GatewayMetrics>(), NullLogger.Instance);
        return (await PassAsync(Submission.Wrap(message, SmtpUtf8), Encoding.UTF8.GetBytes(content))).ToString();
    }

    private async Task<SmtpReply> PassAsync(ISmtpContentSink sink, byte[] content)
    {
        var step = PieceBytes > 0 ? PieceBytes : Math.Max(1, content.Length);
        for (var at = 0; at < content.Length; at += step)
        {
            if (await sink.WriteAsync(content.AsMemory(at, Math.Min(step, content.Length - at)), default) is { } refusal)
            {
                await sink.AbortAsync(SmtpContentFailure.SinkRefused);
                return refusal;
            }
        }

        return await sink.CompleteAsync(default);
    }
}
