using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

namespace MailGrains.Benchmarks.Logins;

/// <summary>Logs in on a fresh connection each time, by PLAIN or SCRAM-SHA-256; the salted password is derived once, as a client that stays does.</summary>
internal sealed class LoginClient(IPEndPoint server, string user, string password)
{
    private byte[]? _salted;

    public Task PlainAsync(CancellationToken cancellationToken) => RunAsync(
        ask => ask("AUTH PLAIN " + Convert.ToBase64String(Encoding.UTF8.GetBytes($"\0{user}\0{password}")), "235"), cancellationToken);

    public Task ScramAsync(CancellationToken cancellationToken) => RunAsync(
        async ask =>
        {
            var nonce = Convert.ToBase64String(RandomNumberGenerator.GetBytes(18));
            var first = $"n={user},r={nonce}";
            var challenge = Text(await ask("AUTH SCRAM-SHA-256 " + Base64("n,," + first), "334"));
            var fields = challenge.Split(',');
            _salted ??= Rfc2898DeriveBytes.Pbkdf2(
                password, Convert.FromBase64String(fields[1][2..]), int.Parse(fields[2][2..], null), HashAlgorithmName.SHA256, 32);
            var key = HMACSHA256.HashData(_salted, "Client Key"u8);
            var last = $"c=biws,{fields[0]}";
            var signature = HMACSHA256.HashData(SHA256.HashData(key), Encoding.UTF8.GetBytes($"{first},{challenge},{last}"));
            for (var i = 0; i < key.Length; i++)
            {
                key[i] ^= signature[i];
            }

            await ask(Base64($"{last},p={Convert.ToBase64String(key)}"), "334");
            return await ask("", "235");
        },
        cancellationToken);

    private async Task RunAsync(Func<Func<string, string, Task<string>>, Task<string>> authenticate, CancellationToken cancellationToken)
    {
        using var client = new TcpClient { NoDelay = true };
        await client.ConnectAsync(server, cancellationToken);
        using var reader = new StreamReader(client.GetStream(), Encoding.ASCII, leaveOpen: true);
        await ReadAsync("220");
        await AskAsync("EHLO client.test", "250");
        await authenticate(AskAsync);
        await AskAsync("QUIT", "221");

        async Task<string> AskAsync(string line, string code)
        {
            await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(line + "\r\n"), cancellationToken);
            return await ReadAsync(code);
        }

        async Task<string> ReadAsync(string code)
        {
            string line;
            do
            {
                line = await reader.ReadLineAsync(cancellationToken) ?? throw new EndOfStreamException();
            }
            while (line.Length > 3 && line[3] == '-');
            return line.StartsWith(code, StringComparison.Ordinal) ? line : throw new InvalidOperationException($"The server answered {line} where {code} was expected.");
        }
    }

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    private static string Text(string reply) => Encoding.UTF8.GetString(Convert.FromBase64String(reply[4..]));
}
