using System.Buffers;
using System.Collections.Concurrent;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;

namespace MailGrains.Testing.Smtp;

/// <summary>
/// A mail server for very many messages, on one loopback port for all domains: keeps none, notes each in a <see cref="MessageLedger"/>, and answers by a <see cref="WorldMix"/>:
/// it defers, refuses, is slow, and drops connections at any step, also after the end of a content that it has taken, or has not.
/// </summary>
public sealed class WorldServer : IAsyncDisposable
{
    private readonly MessageLedger _ledger;
    private readonly WorldMix _mix;
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<Task, bool> _sessions = new();
    private readonly Task _accepting;

    public WorldServer(MessageLedger ledger, WorldMix mix, int port = 0)
    {
        (_ledger, _mix) = (ledger, mix);
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, port));
        _listener.Listen(4_096);
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndPoint!).Port;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _accepting;
        await Task.WhenAll(_sessions.Keys);
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var socket = await _listener.AcceptAsync(_stop.Token);
                var session = Task.Run(() => ServeAsync(socket));
                _sessions[session] = true;
                _ = session.ContinueWith(ended => _sessions.TryRemove(ended, out _), TaskScheduler.Default);
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        try
        {
            socket.NoDelay = true;
            await using var stream = new NetworkStream(socket, ownsSocket: true);
            await new Session(_ledger, _mix, PipeReader.Create(stream), PipeWriter.Create(stream), _stop.Token).RunAsync();
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The client has gone, or the server is to.
        }
    }

    private sealed class Session(MessageLedger ledger, WorldMix mix, PipeReader reader, PipeWriter writer, CancellationToken stop)
    {
        private readonly Random _random = new();
        private WorldPlan _plan;
        private bool _hasSender;
        private int _number = -1;

        public async Task RunAsync()
        {
            Say("220 world.test"u8);
            bool goesOn;
            do
            {
                goesOn = await ReadAsync("\r\n"u8.ToArray()) is { } line && await CarryOutAsync(line);
            }
            while (goesOn);
            await writer.FlushAsync(stop);
        }

        private async Task<bool> CarryOutAsync(byte[] line)
        {
            switch ((char)(line[0] & 0xDF))
            {
                case 'E':
                    Say("250-world.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 ENHANCEDSTATUSCODES"u8);
                    return true;
                case 'M':
                    _plan = mix.Plan(_random);
                    (_number, _hasSender) = (-1, false);
                    return await AnswerAsync(WorldStep.Mail, () => _hasSender = true);
                case 'R' when (line[1] & 0xDF) == 'C':
                    return _hasSender ? await AnswerAsync(WorldStep.Rcpt, () => { }, MessageLedger.NumberIn(line)) : Refuse();
                case 'D':
                    var takes = false;
                    return _number < 0 ? Refuse() : await AnswerAsync(WorldStep.Data, () => takes = true) && (!takes || await TakeContentAsync());
                case 'Q':
                    Say("221 2.0.0 bye"u8);
                    return false;
                default:
                    Say("250 2.0.0 ok"u8);
                    return true;
            }
        }

        private async Task<bool> TakeContentAsync()
        {
            if (await ReadAsync("\r\n.\r\n"u8.ToArray()) is not { } content)
            {
                return false;
            }

            var number = _number;
            var header = content.AsSpan(0, Math.Max(0, content.AsSpan().IndexOf("\r\n\r\n"u8)));
            var isMarked = header.IndexOf("X-MailGrains-Repeat:"u8) >= 0;
            if (_plan.Is(WorldAct.Drop, WorldStep.End) && _plan.KeepsFirst)
            {
                ledger.Take(number, isMarked);
                return false;
            }

            return await AnswerAsync(WorldStep.End, () => ledger.Take(number, isMarked), number);
        }

        /// <returns>False: the connection is dropped.</returns>
        private async Task<bool> AnswerAsync(WorldStep step, Action take, int number = -1)
        {
            if (_plan.Is(WorldAct.Drop, step))
            {
                return false;
            }

            if (_plan.Is(WorldAct.Delay, step))
            {
                await writer.FlushAsync(stop);
                await Task.Delay(mix.Delay * _random.NextDouble(), stop);
            }

            if (_plan.Is(WorldAct.Defer, step))
            {
                Say("451 4.3.0 not now"u8);
            }
            else if (_plan.Is(WorldAct.Refuse, step) && number >= 0)
            {
                ledger.Refuse(number);
                Say("550 5.1.1 nobody of that name"u8);
            }
            else
            {
                _number = number >= 0 ? number : _number;
                take();
                Say(step == WorldStep.Data ? "354 go on"u8 : "250 2.0.0 ok"u8);
            }

            return true;
        }

        private bool Refuse()
        {
            Say("503 5.5.1 not in this order"u8);
            return true;
        }

        private void Say(ReadOnlySpan<byte> reply)
        {
            writer.Write(reply);
            writer.Write("\r\n"u8);
        }

        /// <summary>What comes before the delimiter, which goes with it; null at the end of the input. Replies go out when the client has said all for now.</summary>
        private async Task<byte[]?> ReadAsync(byte[] delimiter)
        {
            while (true)
            {
                if (!reader.TryRead(out var result))
                {
                    await writer.FlushAsync(stop);
                    result = await reader.ReadAsync(stop);
                }

                var (found, end) = Find(result.Buffer, delimiter);
                if (found is not null)
                {
                    reader.AdvanceTo(end);
                    return found;
                }

                if (result.IsCompleted)
                {
                    return null;
                }

                reader.AdvanceTo(result.Buffer.Start, result.Buffer.End);
            }
        }

        private static (byte[]? Found, SequencePosition End) Find(ReadOnlySequence<byte> buffer, byte[] delimiter)
        {
            var sequence = new SequenceReader<byte>(buffer);
            return sequence.TryReadTo(out ReadOnlySequence<byte> found, delimiter) ? (found.ToArray(), sequence.Position) : (null, default);
        }
    }
}
