using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Text;
using MailGrains.Protocols.Smtp.Client;
using MailGrains.Protocols.Tests.Wire;

namespace MailGrains.Protocols.Tests.Smtp.Client;

/// <summary>What a server may do wrong, or just say, at some stage.</summary>
public enum ServerFault
{
    None = 0,
    Refuses450 = 1,
    Refuses550 = 2,
    Closes421 = 3,
    Closes = 4,
    ClosesInItsReply = 5,
    Hangs = 6,
    HangsInItsReply = 7,
    SaysGarbage = 8,
    SaysBinary = 9,
    Says150 = 10,
    Says999 = 11,
    SaysTwoCodes = 12,
    RepliesEndlessly = 13,
    SaysLineOf10Mb = 14,

    /// <summary>250 to DATA, 354 to all else.</summary>
    AnswersSomethingElse = 15,
}

/// <summary>A server of a few lines that answers everything well but at one stage; it offers what it is told to.</summary>
public sealed class FaultyServer(IDuplexPipe transport, SmtpStage stage, ServerFault fault, params string[] offers)
{
    private bool _isOver;

    public long SaidBytes { get; private set; }

    public List<string> Commands { get; } = [];

    /// <summary>Of contents that are not empty.</summary>
    public int Ends { get; private set; }

    /// <summary>Lone dots.</summary>
    public int EmptyEnds { get; private set; }

    public async Task RunAsync()
    {
        await AnswerAsync(SmtpStage.Greeting, "220 mx.example.test");
        while (!_isOver && await ReadLineAsync() is { } line)
        {
            Commands.Add(line);
            await (line.Split(' ')[0] switch
            {
                "EHLO" => AnswerAsync(SmtpStage.Hello, "250-mx.example.test\r\n" + string.Concat(offers.Select(offer => $"250-{offer}\r\n")) + "250 HELP"),
                "HELO" => AnswerAsync(SmtpStage.Hello, "250 mx.example.test"),
                "STARTTLS" => AnswerAsync(SmtpStage.StartTls, "220 go ahead"),
                "AUTH" => AnswerAsync(SmtpStage.Auth, "235 welcome"),
                "RCPT" => AnswerAsync(SmtpStage.Rcpt, "250 ok"),
                "DATA" => TakeDataAsync(),
                "BDAT" => TakeChunkAsync(line),
                "QUIT" => AnswerAsync(SmtpStage.Connect, "221 bye"),
                _ => AnswerAsync(SmtpStage.Mail, "250 ok"),
            });
        }

        await transport.Output.CompleteAsync();
        await transport.Input.CompleteAsync();
    }

    private async Task TakeDataAsync()
    {
        await AnswerAsync(SmtpStage.Data, "354 go ahead");
        if (_isOver || (stage == SmtpStage.Data && fault != ServerFault.None))
        {
            return;
        }

        var isEmpty = true;
        while (await ReadLineAsync() is { } line)
        {
            if (line == ".")
            {
                Ends += isEmpty ? 0 : 1;
                EmptyEnds += isEmpty ? 1 : 0;
                await AnswerAsync(SmtpStage.EndOfData, "250 kept");
                return;
            }

            isEmpty = false;
        }
    }

    private async Task TakeChunkAsync(string command)
    {
        var left = int.Parse(command.Split(' ')[1], CultureInfo.InvariantCulture);
        while (left > 0)
        {
            var result = await transport.Input.ReadAsync();
            var taken = (int)Math.Min(left, result.Buffer.Length);
            transport.Input.AdvanceTo(result.Buffer.GetPosition(taken));
            left -= taken;
            if (taken == 0 && result.IsCompleted)
            {
                return;
            }
        }

        var isLast = command.EndsWith(" LAST", StringComparison.Ordinal);
        Ends += isLast ? 1 : 0;
        await AnswerAsync(isLast ? SmtpStage.EndOfData : SmtpStage.Data, "250 ok");
    }

    private Task AnswerAsync(SmtpStage at, string good)
    {
        if (at != stage)
        {
            return SayAsync(good + "\r\n");
        }

        switch (fault)
        {
            case ServerFault.Refuses450:
                return SayAsync("450-4.2.1 not\r\n450 4.2.1 now\r\n");
            case ServerFault.Refuses550:
                return SayAsync("550 5.7.1 never\r\n");
            case ServerFault.Closes421:
                _isOver = true;
                return SayAsync("421 4.3.2 going down\r\n");
            case ServerFault.Closes:
                _isOver = true;
                return Task.CompletedTask;
            case ServerFault.ClosesInItsReply:
                _isOver = true;
                return SayAsync("250-kept\r\n250 ke");
            case ServerFault.Hangs:
                return HangAsync();
            case ServerFault.HangsInItsReply:
                return SayThenHangAsync("250-kept\r\n250 ke");
            case ServerFault.SaysGarbage:
                return SayAsync("hello? \u0007\u001b[2J\r\n");
            case ServerFault.SaysBinary:
                return SayAsync("\0\0\0\u0001\n");
            case ServerFault.Says150:
                return SayAsync("150 wait\r\n");
            case ServerFault.Says999:
                return SayAsync("999 what\r\n");
            case ServerFault.SaysTwoCodes:
                return SayAsync("250-yes\r\n550 no\r\n");
            case ServerFault.RepliesEndlessly:
                return SayForEverAsync("250-and another thing\r\n");
            case ServerFault.SaysLineOf10Mb:
                return SayThenHangAsync("250 " + new string('x', 10 << 20));
            case ServerFault.AnswersSomethingElse:
                return SayAsync(good.StartsWith('3') ? "250 ok\r\n" : "354 go ahead\r\n");
            default:
                return SayAsync(good + "\r\n");
        }
    }

    private async Task SayThenHangAsync(string text)
    {
        // In pieces, as packets come: what is counted is what a client let through.
        foreach (var piece in text.Chunk(4 << 10))
        {
            await SayAsync(new string(piece));
            if (_isOver)
            {
                return;
            }
        }

        await HangAsync();
    }

    private async Task SayForEverAsync(string text)
    {
        while (!_isOver)
        {
            await SayAsync(text);
        }
    }

    private async Task HangAsync()
    {
        while (true)
        {
            var result = await transport.Input.ReadAsync();
            transport.Input.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted)
            {
                _isOver = true;
                return;
            }
        }
    }

    private async Task SayAsync(string text)
    {
        var octets = Encoding.Latin1.GetBytes(text);
        SaidBytes += octets.Length;
        _isOver |= (await transport.Output.WriteAsync(octets)).IsCompleted;
    }

    private async Task<string?> ReadLineAsync()
    {
        while (true)
        {
            var result = await transport.Input.ReadAsync().AsTask().WaitAsync(WireClient.Patience);
            if (result.Buffer.PositionOf((byte)'\n') is { } position)
            {
                var line = Encoding.Latin1.GetString(result.Buffer.Slice(0, position));
                transport.Input.AdvanceTo(result.Buffer.GetPosition(1, position));
                return line.TrimEnd('\r');
            }

            transport.Input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
            if (result.IsCompleted)
            {
                return null;
            }
        }
    }
}
