using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace MailGrains.Testing.Dns;

/// <summary>
/// A DNS server in this process, over UDP and TCP on one loopback port. Records are data; names can be made to fail, to hang, to be truncated or garbled,
/// and to be of a signed zone. A name without records does not exist unless there are names below it; aliases are followed.
/// </summary>
public sealed class DnsServer : IAsyncDisposable
{
    private const int MaxAliases = 8;

    private readonly UdpClient _udp;
    private readonly TcpListener _tcp;

    // Answers that are held may still look at it when all else has been disposed of.
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<string, ConcurrentQueue<DnsRecord>> _records = new(StringComparer.OrdinalIgnoreCase);
    private readonly ConcurrentDictionary<string, DnsCode> _failing = new(StringComparer.OrdinalIgnoreCase);
    private readonly ConcurrentDictionary<string, bool> _truncated = new(StringComparer.OrdinalIgnoreCase);
    private readonly ConcurrentDictionary<string, bool> _garbled = new(StringComparer.OrdinalIgnoreCase);
    private readonly ConcurrentDictionary<string, bool> _signed = new(StringComparer.OrdinalIgnoreCase);
    private readonly ConcurrentDictionary<string, TaskCompletionSource> _held = new(StringComparer.OrdinalIgnoreCase);
    private readonly ConcurrentQueue<DnsQuestion> _asked = new();
    private readonly Task _serving;

    private DnsServer(UdpClient udp, TcpListener tcp)
    {
        (_udp, _tcp) = (udp, tcp);
        EndPoint = (IPEndPoint)udp.Client.LocalEndPoint!;
        _serving = Task.WhenAll(ServeUdpAsync(), ServeTcpAsync());
    }

    public IPEndPoint EndPoint { get; }

    /// <summary>All questions, in the order in which they came.</summary>
    public IReadOnlyCollection<DnsQuestion> Asked => _asked;

    /// <summary>Whether aliases are followed, as resolvers do.</summary>
    public bool FollowsAliases { get; set; } = true;

    public static DnsServer Start()
    {
        for (var attempt = 0; ; attempt++)
        {
            var udp = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
            var tcp = new TcpListener((IPEndPoint)udp.Client.LocalEndPoint!);
            try
            {
                tcp.Start();
                return new DnsServer(udp, tcp);
            }
            catch (SocketException) when (attempt < 20)
            {
                // Somebody else has that port over TCP.
                udp.Dispose();
                tcp.Dispose();
            }
        }
    }

    /// <param name="data">As in a zone file; see <see cref="DnsRecord.Of"/>.</param>
    /// <param name="timeToLive">In seconds.</param>
    public void Add(string name, DnsType type, string data, int timeToLive = 60) =>
        _records.GetOrAdd(name, _ => []).Enqueue(DnsRecord.Of(type, data, timeToLive));

    /// <summary>All records of the name are gone.</summary>
    public void Remove(string name) => _records.TryRemove(name, out _);

    /// <summary>The zone, and all below it, is signed and was validated (the AD bit, for whoever wants it), or is not, inside of one that is.</summary>
    public void Sign(string zone, bool signed = true) => _signed[zone] = signed;

    /// <summary>The name of an address, in the zone for reverse names.</summary>
    public void AddPointer(string address, string name) => Add(ReverseName(address), DnsType.Ptr, name);

    /// <summary>Every question of the name is answered with an error.</summary>
    public void Fail(string name, DnsCode code = DnsCode.ServFail) => _failing[name] = code;

    public void Mend(string name) => _failing.TryRemove(name, out _);

    /// <summary>The name's answers can't be read.</summary>
    public void Garble(string name) => _garbled[name] = true;

    /// <summary>Over UDP the name's answers do not fit, and are left out.</summary>
    public void Truncate(string name) => _truncated[name] = true;

    /// <summary>Questions of the name are not answered until <see cref="Release"/>.</summary>
    public void Hold(string name) => _held[name] = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Release(string name)
    {
        if (_held.TryRemove(name, out var held))
        {
            held.SetResult();
        }
    }

    /// <summary><c>1.2.0.192.in-addr.arpa</c>, or the nibbles of IPv6 under ip6.arpa.</summary>
    public static string ReverseName(string address)
    {
        var bytes = IPAddress.Parse(address).GetAddressBytes();
        return bytes.Length == 4
            ? $"{bytes[3]}.{bytes[2]}.{bytes[1]}.{bytes[0]}.in-addr.arpa"
            : string.Join('.', Convert.ToHexStringLower(bytes).Reverse()) + ".ip6.arpa";
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _serving;
        _udp.Dispose();
        _tcp.Dispose();
    }

    private async Task ServeUdpAsync()
    {
        try
        {
            while (true)
            {
                var query = await _udp.ReceiveAsync(_stop.Token);
                _ = AnswerUdpAsync(query);
            }
        }
        catch (OperationCanceledException)
        {
        }
    }

    private async Task AnswerUdpAsync(UdpReceiveResult query)
    {
        try
        {
            await _udp.SendAsync(await AnswerAsync(query.Buffer, overTcp: false), query.RemoteEndPoint, _stop.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or SocketException)
        {
            // The end, or a client that has gone.
        }
    }

    private async Task ServeTcpAsync()
    {
        try
        {
            while (true)
            {
                _ = AnswerTcpAsync(await _tcp.AcceptTcpClientAsync(_stop.Token));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or InvalidOperationException)
        {
        }
    }

    // RFC 1035 §4.2.2
    private async Task AnswerTcpAsync(TcpClient client)
    {
        using var owned = client;
        try
        {
            var stream = client.GetStream();
            var prefix = new byte[2];
            while (true)
            {
                await stream.ReadExactlyAsync(prefix, _stop.Token);
                var query = new byte[BinaryPrimitives.ReadUInt16BigEndian(prefix)];
                await stream.ReadExactlyAsync(query, _stop.Token);
                var reply = await AnswerAsync(query, overTcp: true);
                await stream.WriteAsync((byte[])[.. DnsRecord.BigEndian(reply.Length), .. reply], _stop.Token);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            // The end, or a client that has gone.
        }
    }

    private async Task<byte[]> AnswerAsync(byte[] query, bool overTcp)
    {
        var message = DnsMessage.Parse(query, overTcp);
        var asked = message.Asked;
        _asked.Enqueue(asked);
        if (_held.TryGetValue(asked.Name, out var held))
        {
            await held.Task.WaitAsync(_stop.Token);
        }

        if (_failing.TryGetValue(asked.Name, out var failure))
        {
            return message.Reply(failure, [], truncated: false);
        }

        if (_garbled.ContainsKey(asked.Name))
        {
            return message.Garbage();
        }

        var answers = new List<(string Owner, DnsRecord Record)>();
        var code = Find(asked.Name, asked.Type, answers, out var last);
        var authentic = message.WantsDnssec && answers.Select(a => a.Owner).Append(last).All(IsSigned);
        var reply = message.Reply(code, answers, truncated: false, answers.Any(a => a.Record.Type == asked.Type) ? null : Soa(last), authentic);
        return !overTcp && (_truncated.ContainsKey(asked.Name) || reply.Length > message.UdpBytes) ? message.Reply(code, [], truncated: true) : reply;
    }

    private bool IsSigned(string name) => Ancestors(name).FirstOrDefault(_signed.ContainsKey) is { } zone && _signed[zone];

    private (string Owner, DnsRecord Record)? Soa(string name) => Ancestors(name)
        .Select(zone => (Owner: zone, Record: _records.GetValueOrDefault(zone)?.FirstOrDefault(r => r.Type == DnsType.Soa)))
        .Where(soa => soa.Record is not null).Select(soa => ((string, DnsRecord)?)(soa.Owner, soa.Record!)).FirstOrDefault();

    /// <summary>The name itself, and all above it.</summary>
    private static IEnumerable<string> Ancestors(string name)
    {
        for (var rest = name; rest.Length > 0; rest = rest.Contains('.', StringComparison.Ordinal) ? rest[(rest.IndexOf('.', StringComparison.Ordinal) + 1)..] : "")
        {
            yield return rest;
        }
    }

    /// <param name="last">The end of its aliases.</param>
    private DnsCode Find(string name, DnsType type, List<(string Owner, DnsRecord Record)> answers, out string last)
    {
        last = name;
        for (var i = 0; i < MaxAliases; i++)
        {
            if (!_records.TryGetValue(name, out var records))
            {
                return _records.Keys.Any(k => k.EndsWith("." + name, StringComparison.OrdinalIgnoreCase)) ? DnsCode.NoError : DnsCode.NxDomain;
            }

            answers.AddRange(records.Where(r => r.Type == type || r.Type == DnsType.Cname).Select(r => (name, r)));
            if (type == DnsType.Cname || records.FirstOrDefault(r => r.Type == DnsType.Cname) is not { } alias)
            {
                return DnsCode.NoError;
            }

            if (!FollowsAliases)
            {
                return DnsCode.NoError;
            }

            last = name = Text(alias.Data);
        }

        return DnsCode.NoError;
    }

    private static string Text(byte[] name)
    {
        var labels = new List<string>();
        for (var at = 0; name[at] > 0; at += name[at] + 1)
        {
            labels.Add(System.Text.Encoding.ASCII.GetString(name, at + 1, name[at]));
        }

        return string.Join('.', labels);
    }
}
