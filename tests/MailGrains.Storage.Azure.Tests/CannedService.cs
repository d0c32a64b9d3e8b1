using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MailGrains.Storage.Azure.Tests;

/// <summary>A service on loopback that gives every request the same answer and counts them: for the errors that Azurite never makes.</summary>
internal sealed class CannedService : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stopped = new();
    private readonly byte[] _answer;
    private readonly Task _serving;
    private int _requests;

    /// <param name="xml">The blob service's errors are XML, the table service's JSON.</param>
    public CannedService(int status, string code, bool xml = false)
    {
        var body = xml
            ? $"<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>{code}</Code><Message>Canned.</Message></Error>"
            : $"{{\"odata.error\":{{\"code\":\"{code}\",\"message\":{{\"lang\":\"en-US\",\"value\":\"Canned.\"}}}}}}";
        _answer = Encoding.ASCII.GetBytes(
            $"HTTP/1.1 {status} Canned\r\nContent-Type: application/{(xml ? "xml" : "json")}\r\nx-ms-error-code: {code}\r\n" +
            $"Content-Length: {body.Length}\r\nConnection: close\r\n\r\n{body}");
        _listener.Start();
        _serving = ServeAsync();
    }

    public int Requests => Volatile.Read(ref _requests);

    public string ConnectionString
    {
        get
        {
            var port = ((IPEndPoint)_listener.LocalEndpoint).Port;
            return $"DefaultEndpointsProtocol=http;AccountName=canned;AccountKey={Convert.ToBase64String(new byte[64])};" +
                $"BlobEndpoint=http://127.0.0.1:{port}/canned;TableEndpoint=http://127.0.0.1:{port}/canned;";
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopped.CancelAsync();
        _listener.Stop();
        await _serving;
        _stopped.Dispose();
    }

    private async Task ServeAsync()
    {
        try
        {
            while (true)
            {
                using var client = await _listener.AcceptTcpClientAsync(_stopped.Token);
                await using var stream = client.GetStream();
                await ReadRequestAsync(stream);
                Interlocked.Increment(ref _requests);
                await stream.WriteAsync(_answer, _stopped.Token);
            }
        }
        catch (Exception e) when (_stopped.IsCancellationRequested && e is OperationCanceledException or SocketException or InvalidOperationException)
        {
            // The test is over.
        }
    }

    private async Task ReadRequestAsync(NetworkStream stream)
    {
        var request = new StringBuilder();
        var buffer = new byte[64 * 1024];
        while (true)
        {
            var read = await stream.ReadAsync(buffer, _stopped.Token);
            request.Append(Encoding.Latin1.GetString(buffer, 0, read));
            var text = request.ToString();
            var end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
            if (read == 0 || (end >= 0 && text.Length - end - 4 >= LengthOf(text[..end])))
            {
                return;
            }
        }
    }

    private static int LengthOf(string headers)
    {
        const string Name = "\r\nContent-Length: ";
        var at = headers.IndexOf(Name, StringComparison.OrdinalIgnoreCase);
        return at < 0 ? 0 : int.Parse(headers[(at + Name.Length)..].Split('\r')[0], System.Globalization.CultureInfo.InvariantCulture);
    }
}
