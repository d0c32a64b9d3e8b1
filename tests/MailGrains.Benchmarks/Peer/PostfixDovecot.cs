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

    private static readonly TimeSpan PollPeriod = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan DeliveryLimit = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(30);

    // In the order in which a message goes through them, so that none is overlooked on its way to the next.
    private static readonly string[] QueuesInUse = ["incoming", "active"];

    private readonly PostfixConfiguration _postfix;
    private readonly DovecotConfiguration _dovecot;
    private readonly Process _dovecotMaster;
    private int _postfixMaster;

    private PostfixDovecot(PostfixConfiguration postfix, DovecotConfiguration dovecot, Process dovecotMaster, int port)
    {
        (_postfix, _dovecot, _dovecotMaster) = (postfix, dovecot, dovecotMaster);
        Smtp = new IPEndPoint(IPAddress.Loopback, port);
    }

    public string Name => "Postfix + Dovecot";

    public string Settings { get; private set; } = "";

    public IPEndPoint Smtp { get; }

    public TimeSpan ProcessorTime => ProcessFigures.TimeOfTree(_postfixMaster) + ProcessFigures.TimeOfTree(_dovecotMaster.Id);

    public long Memory => ProcessFigures.Tree(_postfixMaster).Concat(ProcessFigures.Tree(_dovecotMaster.Id)).Sum(Proportional);

    public static async Task<PostfixDovecot> StartAsync(string folder, CancellationToken cancellationToken, ServerCertificate? certificate = null)
    {
        if (!Environment.IsPrivilegedProcess)
        {
            throw new ArgumentException("--peer needs root: Postfix and Dovecot change their users.");
        }

        // Their users must pass through.
        File.SetUnixFileMode(folder, (UnixFileMode)0b111_101_101);
        var postfix = new PostfixConfiguration(Path.Combine(folder, "postfix"));
        var dovecot = new DovecotConfiguration(Path.Combine(folder, "dovecot"));
        var port = FreePort.Choose();
        postfix.Write(port, certificate);
        await ExternalProgram.RunAsync(Find("postfix"), ["-c", postfix.Folder, "check"], cancellationToken);
        dovecot.Write(postfix.LmtpSocket, MailUser, MailGroup);
        var settings = await ExternalProgram.RunAsync(Find("postconf"), ["-n", "-c", postfix.Folder], cancellationToken) +
            await ExternalProgram.RunAsync(Find("doveconf"), ["-n", "-c", dovecot.File], cancellationToken);
        var server = new PostfixDovecot(postfix, dovecot, Process.Start(Find("dovecot"), ["-F", "-c", dovecot.File]), port) { Settings = settings };
        try
        {
            await server.AddMailboxesAsync([], cancellationToken);
            await ExternalProgram.RunAsync(Find("postfix"), ["-c", postfix.Folder, "start"], cancellationToken);
            server._postfixMaster = await postfix.ReadMasterPidAsync(cancellationToken);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Its memory is sampled, since nothing keeps the peak of a sum.</summary>
    public void ResetMemory()
    {
    }

    public async Task AddMailboxesAsync(IReadOnlyCollection<string> addresses, CancellationToken cancellationToken)
    {
        await File.AppendAllLinesAsync(_postfix.Mailboxes, addresses.Select(a => $"{a} OK"), cancellationToken);
        await ExternalProgram.RunAsync(Find("postmap"), ["-c", _postfix.Folder, $"hash:{_postfix.Mailboxes}"], cancellationToken);
    }

    /// <summary>A message leaves Postfix's queue when Dovecot has answered that it is in the mailbox.</summary>
    public async Task AllDeliveredAsync(CancellationToken cancellationToken)
    {
        var waiting = Stopwatch.StartNew();
        while (QueuesInUse.Any(q => Directory.EnumerateFiles(Path.Combine(_postfix.Queue, q)).Any()))
        {
            if (waiting.Elapsed > DeliveryLimit)
            {
                throw new TimeoutException($"Postfix still holds messages; see {_postfix.Log} and {_dovecot.Log}.");
            }

            await Task.Delay(PollPeriod, cancellationToken);
        }
    }

    public Task<long> CountAsync(IReadOnlyCollection<string> addresses, CancellationToken cancellationToken) => Task.FromResult(addresses
        .SelectMany(a => new[] { "new", "cur" }, (address, part) => Path.Combine(_dovecot.Maildir(address), part))
        .Where(Directory.Exists)
        .Sum(part => Directory.EnumerateFiles(part).LongCount()));

    public Task<long?> CommittedAsync(CancellationToken cancellationToken) => Task.FromResult<long?>(null);

    public async ValueTask DisposeAsync()
    {
        if (_postfixMaster != 0)
        {
            await ExternalProgram.RunAsync(Find("postfix"), ["-c", _postfix.Folder, "stop"], CancellationToken.None);
        }

        if (!_dovecotMaster.HasExited)
        {
            // Its own way to stop: it ends its processes on SIGTERM.
            await ExternalProgram.RunAsync(Find("doveadm"), ["-c", _dovecot.File, "stop"], CancellationToken.None);
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

    private static string Find(string program) => DebianProgram.Find(program)
        ?? throw new ArgumentException($"--peer needs '{program}': install what tests/debian-packages lists.");
}
