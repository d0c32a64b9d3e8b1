using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace MailGrains.Testing.Smtp;

/// <summary>What a server took.</summary>
public sealed record TakenMail(string From, IReadOnlyList<string> To, string Content, bool IsSecure, int Connection);

/// <summary>
/// A mail server on a loopback port that answers as it is told: <see cref="Answer"/> is asked for each command, for <c>.</c> at the end of content, and for an
/// empty one as the greeting; null: as usual. <c>CLOSE</c> closes, <c>RESET</c> breaks the connection, <c>HANG</c> says nothing more and reads no more,
/// <c>ENDLESS</c> is a reply of 10 MiB in many lines, <c>LONG</c> one in a line, <c>DRIP</c> a line that comes octet by octet and never ends. One of these may
/// stand behind a reply and a bar: <c>220 go|HANG</c>.
/// </summary>
public sealed class MailServer : IAsyncDisposable
{
    private readonly TcpListener _listener;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _accepting;
    private readonly ConcurrentBag<Task> _sessions = [];
    private int _connections;
    private int _open;

    public MailServer(IPAddress? address = null, int port = 0)
    {
        _listener = new TcpListener(address ?? IPAddress.Loopback, port);
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public IPEndPoint EndPoint => (IPEndPoint)_listener.LocalEndpoint;

    public int Port => EndPoint.Port;

    public Func<string, string?> Answer { get; set; } = _ => null;

    /// <summary>Runs before each answer, with what it answers; may wait.</summary>
    public Func<string, Task> Before { get; set; } = _ => Task.CompletedTask;

    public string Extensions { get; set; } = "PIPELINING SIZE 8BITMIME DSN CHUNKING SMTPUTF8";

    /// <summary>STARTTLS is offered.</summary>
    public X509Certificate2? Certificate { get; set; }

    /// <summary>What comes after STARTTLS is no handshake.</summary>
    public bool BreaksTls { get; set; }

    public ConcurrentQueue<TakenMail> Taken { get; } = new();

    public ConcurrentQueue<string> Commands { get; } = new();

    public int Connections => Volatile.Read(ref _connections);

    public int Open => Volatile.Read(ref _open);

    /// <summary>At a time.</summary>
    public int MostOpen { get; private set; }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        await Task.WhenAll(_sessions);
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                _sessions.Add(ServeAsync(await _listener.AcceptTcpClientAsync(_stop.Token), Interlocked.Increment(ref _connections)));
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or InvalidOperationException)
            {
                return;
            }
        }
    }

    private async Task ServeAsync(TcpClient client, int number)
    {
        // Replies go one by one: none is to wait for the acknowledgement of the one before.
        client.NoDelay = true;
        MostOpen = Math.Max(MostOpen, Interlocked.Increment(ref _open));
        var session = new Session(this, client, number, _stop.Token);
        try
        {
            await session.RunAsync();
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or SocketException or ObjectDisposedException or System.Security.Authentication.AuthenticationException)
        {
            // The client has gone, or the test is over.
        }
        finally
        {
            session.Ends();
            client.Dispose();
        }
    }

    private sealed class Session(MailServer server, TcpClient client, int number, CancellationToken stop)
    {
        private readonly List<string> _to = [];
        private Stream _stream = client.GetStream();
        private string? _from;
        private string _content = "";
        private bool _isSecure;
        private bool _hasEnded;

        // RFC 3030 §2: after a chunk that was refused, none is taken.
        private bool _isChunkRefused;

        /// <summary>It counts no more: whoever hears of that may open another.</summary>
        public void Ends()
        {
            if (!_hasEnded)
            {
                _hasEnded = true;
                Interlocked.Decrement(ref server._open);
            }
        }

        public async Task RunAsync()
        {
            if (!await SayAsync("", "220 here"))
            {
                return;
            }

            while (await ReadLineAsync() is { } line && await CarryOutAsync(line))
            {
            }
        }

        private async Task<bool> CarryOutAsync(string line)
        {
            server.Commands.Enqueue(line);
            switch (line.Split(' ', ':')[0].ToUpperInvariant())
            {
                case "EHLO":
                    return await SayAsync(line, Hello());
                case "MAIL":
                    (_from, _content, _isChunkRefused) = (null, "", false);
                    _to.Clear();
                    return await SayAsync(line, "250 2.1.0 ok", () => _from = Path(line));
                case "RCPT":
                    return await SayAsync(line, _from is null ? "503 5.5.1 MAIL first" : "250 2.1.5 ok", () => _to.Add(Path(line)));
                case "DATA":
                    var takes = false;
                    return await SayAsync(line, _to.Count > 0 ? "354 go" : "554 5.5.1 no recipients", () => takes = _to.Count > 0) && (!takes || await ReadContentAsync());
                case "BDAT":
                    var words = line.Split(' ');
                    _content += await ReadAsync(int.Parse(words[1], null));
                    return await AnswerChunkAsync(line, isLast: words.Length > 2);
                case "STARTTLS":
                    var begins = false;
                    return await SayAsync(line, "220 go", () => begins = true) && (!begins || await SecureAsync());
                case "QUIT":
                    Ends();
                    await SayAsync(line, "221 bye");
                    return false;
                default:
                    return await SayAsync(line, "250 ok");
            }
        }

        private string Hello()
        {
            string[] words = ["here", .. server.Extensions.Split(' ', StringSplitOptions.RemoveEmptyEntries), .. server.Certificate is not null && !_isSecure ? ["STARTTLS"] : Array.Empty<string>()];
            return string.Join("\r\n", words.Select((word, i) => $"250{(i == words.Length - 1 ? ' ' : '-')}{word.Replace('=', ' ')}"));
        }

        private async Task<bool> ReadContentAsync()
        {
            var content = new StringBuilder();
            while (await ReadLineAsync() is { } line)
            {
                if (line == ".")
                {
                    _content = content.ToString();
                    return await SayAsync(".", "250 2.0.0 taken", Take);
                }

                content.Append(line.StartsWith('.') ? line[1..] : line).Append("\r\n");
            }

            return false;
        }

        private async Task<bool> AnswerChunkAsync(string line, bool isLast)
        {
            if (_to.Count == 0 || _isChunkRefused)
            {
                return await SayAsync(line, "503 5.5.1 no transaction");
            }

            _isChunkRefused = !isLast;
            return isLast ? await SayAsync(".", "250 2.0.0 taken", Take) : await SayAsync(line, "250 2.0.0 more", () => _isChunkRefused = false);
        }

        private void Take() => server.Taken.Enqueue(new TakenMail(_from!, [.. _to], _content, _isSecure, number));

        private async Task<bool> SecureAsync()
        {
            if (server.BreaksTls)
            {
                await ReadAsync(1);
                await _stream.WriteAsync("no handshake this\r\n"u8.ToArray(), stop);
                return false;
            }

            var secure = new SslStream(_stream);
            await secure.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = server.Certificate }, stop);
            (_stream, _isSecure) = (secure, true);
            return true;
        }

        private async Task<bool> SayAsync(string asked, string usual, Action? whenUsual = null)
        {
            await server.Before(asked).WaitAsync(stop);
            foreach (var said in (server.Answer(asked) ?? usual).Split('|'))
            {
                if (!await SayOneAsync(said, usual, whenUsual))
                {
                    return false;
                }
            }

            return true;
        }

        private async Task<bool> SayOneAsync(string said, string usual, Action? whenUsual)
        {
            switch (said)
            {
                case "CLOSE":
                    return false;
                case "RESET":
                    client.Client.LingerState = new LingerOption(true, 0);
                    return false;
                case "HANG":
                    await Task.Delay(Timeout.Infinite, stop);
                    return false;
                case "DRIP":
                    await DripAsync();
                    return false;
                case "ENDLESS":
                    await RepeatAsync("250-and more\r\n");
                    return false;
                case "LONG":
                    await RepeatAsync(new string('x', 1 << 16));
                    return false;
                default:
                    if (said[0] == usual[0] && said[0] < '4')
                    {
                        whenUsual?.Invoke();
                    }

                    await _stream.WriteAsync(Encoding.Latin1.GetBytes(said + "\r\n"), stop);
                    return !said.StartsWith("421", StringComparison.Ordinal);
            }
        }

        private async Task DripAsync()
        {
            for (var text = "250-"; ; text = "x")
            {
                await _stream.WriteAsync(Encoding.ASCII.GetBytes(text), stop);
                await Task.Delay(10, stop);
            }
        }

        private async Task RepeatAsync(string text)
        {
            var block = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat(text, (1 << 16) / text.Length)));
            for (var i = 0; i < 160; i++)
            {
                await _stream.WriteAsync(block, stop);
            }

            await Task.Delay(Timeout.Infinite, stop);
        }

        private async Task<string?> ReadLineAsync()
        {
            var line = new StringBuilder();
            var one = new byte[1];
            while (await _stream.ReadAsync(one, stop) > 0)
            {
                if (one[0] == '\n')
                {
                    return line.ToString().TrimEnd('\r');
                }

                line.Append((char)one[0]);
            }

            return null;
        }

        private async Task<string> ReadAsync(int length)
        {
            var content = new byte[length];
            await _stream.ReadExactlyAsync(content, stop);
            return Encoding.Latin1.GetString(content);
        }

        private static string Path(string line) => line[(line.IndexOf('<') + 1)..line.IndexOf('>')];
    }
}
