using System.Diagnostics;
using System.Net;
using MailGrains.Benchmarks.Delivery;
using MailGrains.Testing.Hosts;
using MailGrains.Testing.Programs;

namespace MailGrains.Benchmarks.Peer;

/// <summary>
/// Postfix, which hands over to Dovecot by LMTP, which writes Maildirs: what a Debian machine gets with two packages. Needs root, since both
/// change their users.
/// </summary>
internal sealed class PostfixDovecot : IMailServer
{
    // Debian's user "mail", for the files of the mailboxes.
    private const int MailUser = 8;
    private const int MailGroup = 8;

    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(30);

    private readonly DovecotConfiguration _dovecot;
    private readonly Process _dovecotMaster;
    private readonly string _configuration;
    private readonly string _mailboxes;
    private PostfixServer? _postfix;

    private PostfixDovecot(PostfixConfiguration postfix, string mailboxes, DovecotConfiguration dovecot, Process dovecotMaster)
    {
        (_configuration, _mailboxes, _dovecot, _dovecotMaster) = (postfix.Folder, mailboxes, dovecot, dovecotMaster);
    }

    public string Name => "Postfix + Dovecot";

    public string Settings { get; private set; } = "";

    public IPEndPoint Smtp => _postfix!.Smtp;

    public TimeSpan ProcessorTime => _postfix!.ProcessorTime + ProcessFigures.TimeOfTree(_dovecotMaster.Id);

    public long Memory => ProcessFigures.Tree(_postfix!.Master).Concat(ProcessFigures.Tree(_dovecotMaster.Id)).Sum(Proportional);

    public static async Task<PostfixDovecot> StartAsync(string folder, CancellationToken cancellationToken, ServerCertificate? certificate = null)
    {
        // Their users must pass through.
        File.SetUnixFileMode(folder, (UnixFileMode)0b111_101_101);
        var own = Path.Combine(folder, "postfix");
        var mailboxes = Path.Combine(own, "mailboxes");
        var postfix = new PostfixConfiguration(own, $"""
            virtual_mailbox_domains = {Load.Domain}
            virtual_mailbox_maps = hash:{mailboxes}
            virtual_transport = lmtp:unix:private/dovecot-lmtp
            """);
        var dovecot = new DovecotConfiguration(Path.Combine(folder, "dovecot"));

        // Postfix runs its LMTP client with the queue as its root.
        var socket = Path.Combine(postfix.Queue, "private", "dovecot-lmtp");
        PostfixDovecot? server = null;
        try
        {
            async Task PrepareAsync()
            {
                dovecot.Write(socket, MailUser, MailGroup);
                server = new PostfixDovecot(postfix, mailboxes, dovecot, Process.Start(PeerProgram.Find("dovecot"), ["-F", "-c", dovecot.File]));
                await server.AddMailboxesAsync([], cancellationToken);
            }

            var started = await PostfixServer.StartAsync(postfix, cancellationToken, PrepareAsync, certificate);
            server!._postfix = started;
            server.Settings = started.Settings + await ExternalProgram.RunAsync(PeerProgram.Find("doveconf"), ["-n", "-c", dovecot.File], cancellationToken);
            return server;
        }
        catch
        {
            await (server?.DisposeAsync() ?? ValueTask.CompletedTask);
            throw;
        }
    }

    /// <summary>Its memory is sampled, since nothing keeps the peak of a sum.</summary>
    public void ResetMemory()
    {
    }

    public async Task AddMailboxesAsync(IReadOnlyCollection<string> addresses, CancellationToken cancellationToken)
    {
        await File.AppendAllLinesAsync(_mailboxes, addresses.Select(a => $"{a} OK"), cancellationToken);
        await ExternalProgram.RunAsync(PeerProgram.Find("postmap"), ["-c", _configuration, $"hash:{_mailboxes}"], cancellationToken);
    }

    /// <summary>A message leaves Postfix's queue when Dovecot has answered that it is in the mailbox.</summary>
    public Task AllDeliveredAsync(CancellationToken cancellationToken) => _postfix!.AllDeliveredAsync(cancellationToken);

    public Task<long> CountAsync(IReadOnlyCollection<string> addresses, CancellationToken cancellationToken) => Task.FromResult(addresses
        .SelectMany(a => new[] { "new", "cur" }, (address, part) => Path.Combine(_dovecot.Maildir(address), part))
        .Where(Directory.Exists)
        .Sum(part => Directory.EnumerateFiles(part).LongCount()));

    public Task<long?> CommittedAsync(CancellationToken cancellationToken) => Task.FromResult<long?>(null);

    public async ValueTask DisposeAsync()
    {
        await (_postfix?.DisposeAsync() ?? ValueTask.CompletedTask);

        if (!_dovecotMaster.HasExited)
        {
            // Its own way to stop: it ends its processes on SIGTERM.
            await ExternalProgram.RunAsync(PeerProgram.Find("doveadm"), ["-c", _dovecot.File, "stop"], CancellationToken.None);
        }

        await _dovecotMaster.WaitForExitAsync().WaitAsync(StopLimit);
        _dovecotMaster.Dispose();
    }

    private static long Proportional(int pid)
    {
        try
        {
            return ProcessFigures.ProportionalSet(pid);
        }
        catch (IOException)
        {
            // It ended since it was listed.
            return 0;
        }
    }
}
