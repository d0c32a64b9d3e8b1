using System.Text;
using MailGrains.Messages.Summaries;
using static MailGrains.Messages.Tests.Summaries.Mail;

namespace MailGrains.Messages.Tests.Summaries;

/// <summary>Bombs: past each limit the message is one opaque part behind its header, in bounded time and memory.</summary>
public sealed class SummaryLimitTests
{
    [Theory]
    [InlineData(99, false)]
    [InlineData(101, true)]
    [InlineData(5_000, true)]
    public void DepthIsLimited(int depth, bool opaque) => AssertOpaque(NestedMultiparts(depth), opaque);

    [Theory]
    [InlineData(49, false)]
    [InlineData(3_000, true)]
    public void DepthOfMessagesInMessagesIsLimited(int depth, bool opaque) =>
        AssertOpaque("Subject: s|Message-ID: <m@x>|" + string.Concat(Enumerable.Repeat("Content-Type: message/rfc822||", depth)) + "||x", opaque);

    [Theory]
    [InlineData(999, false)]
    [InlineData(1_000, true)]
    [InlineData(100_000, true)]
    public void PartsAreLimited(int parts, bool opaque) => AssertOpaque(
        "Subject: s|Message-ID: <m@x>|Content-Type: multipart/mixed; boundary=b||" + string.Concat(Enumerable.Repeat("--b||x|", parts)) + "--b--|", opaque);

    [Theory]
    [InlineData("Content-Type: text/plain", 100, false)]
    [InlineData("Content-Type: text/plain", 101, true)]
    [InlineData("Content-Type: text/plain", 20_000, true)]
    [InlineData("Content-Disposition: attachment", 100, false)]
    [InlineData("Content-Disposition: attachment", 20_000, true)]
    public void ParametersAreLimited(string field, int count, bool opaque) => AssertOpaque(
        $"Subject: s|Message-ID: <m@x>|{field}" + string.Concat(Enumerable.Range(0, count).Select(i => $";|\tname*{i}*=%41")) + "||x", opaque);

    [Theory]
    [InlineData("X-Long: ", 200_000, false)]
    [InlineData("X-Long: ", 300_000, true)]
    [InlineData("X-Long: ", 5_000_000, true)]
    [InlineData("To: ", 300_000, true)]
    public void HeadersAreLimited(string field, int length, bool opaque) =>
        AssertOpaque($"Subject: s|Message-ID: <m@x>|{field}{new string('a', length)}||x", opaque);

    [Fact]
    public void HeadersOfPartsAreLimited() => AssertOpaque(
        $"Subject: s|Message-ID: <m@x>|Content-Type: multipart/mixed; boundary=b||--b|X-Long: {new string('a', 300_000)}||x|--b--|", true);

    [Fact]
    public void ManyHeaderFieldsAreLimited() => AssertOpaque(
        "Subject: s|Message-ID: <m@x>|" + string.Concat(Enumerable.Repeat("a:|", 200_000)) + "|x", true);

    [Fact]
    public void WhatASummaryKeepsIsLimited()
    {
        var part = $"--b|Content-Type: text/plain; name=\"{new string('n', 20_000)}\"||x|";
        AssertOpaque("Subject: s|Message-ID: <m@x>|Content-Type: multipart/mixed; boundary=b||" + string.Concat(Enumerable.Repeat(part, 50)) + "--b--|", true);
    }

    [Fact]
    public void AddressesAreLimitedInNumber()
    {
        var summary = Read("Subject: s|To: " + string.Join(",| ", Enumerable.Range(0, 5_000).Select(i => $"a{i}@x.test")) + "||x");
        Assert.Equal(1_000, summary.Envelope.To.Length);
        Assert.False(summary.IsOpaque);
    }

    [Theory]
    [InlineData("To: ", "<,")]
    [InlineData("To: ", "(")]
    [InlineData("To: ", "\"")]
    [InlineData("To: ", "a:b;")]
    [InlineData("To: ", "a,")]
    [InlineData("To: ", "[")]
    [InlineData("To: ", "@")]
    [InlineData("References: ", "<")]
    [InlineData("References: ", "<> ")]
    [InlineData("References: ", "a ")]
    [InlineData("Subject: ", "=?")]
    [InlineData("Subject: ", "=?utf-8?q?=41?= ")]
    [InlineData("Content-Type: ", "a/b=")]
    [InlineData("Content-Type: text/plain; name=", "\"\\")]
    [InlineData("Content-Type: text/plain; name=", "(")]
    [InlineData("Content-Type: text/plain; name=", "=?utf-8?q?=41?= ")]
    [InlineData("Date: ", "1 ")]
    [InlineData("Date: ", "(")]
    [InlineData("X: ", "|\t")]
    [InlineData("Content-Type: multipart/mixed; boundary=b||", "--b ")]
    [InlineData("Content-Type: multipart/mixed; boundary=b||", "--b-|")]
    [InlineData("Content-Type: text/html||", "<")]
    [InlineData("Content-Type: text/html||", "<!--")]
    [InlineData("Content-Type: text/html||", "&")]
    [InlineData("Content-Type: text/html||", "<style>")]
    [InlineData("Content-Type: text/html|Content-Transfer-Encoding: quoted-printable||", "=")]
    [InlineData("Content-Type: text/plain||", ">|")]
    public void RepetitionTakesLinearTime(string start, string piece)
    {
        // 240 KiB: a quadratic step would take many seconds.
        var text = start + string.Concat(Enumerable.Repeat(piece, 240 * 1024 / piece.Length));
        var bytes = Bytes(text);
        var summary = ReadInTime(bytes);
        BrokenMessageTests.AssertSound(summary);
        Assert.True(HeaderValue.Decode(summary.Envelope.Subject ?? "").Length <= 240 * 1024);
    }

    [Fact]
    public void TimeIsLimited()
    {
        var reader = new SummaryReader(new SummaryLimits { TimeBudget = TimeSpan.FromTicks(-1) });
        var summary = reader.Read(Bytes("Subject: s||x"));
        Assert.True(summary.IsOpaque);
        Assert.Equal(("application", 1L), (summary.Body.Type, summary.Body.BodyLength));
    }

    [Fact]
    public async Task ABombInAStreamIsReadToItsEndInLittleMemory()
    {
        var header = "Subject: s\r\nMessage-ID: <m@x>\r\nX-Long: "u8.ToArray();
        await using var content = new LongStream(header, (byte)'a', 60_000_000);
        var summary = await ReadInLittleMemoryAsync(content);
        Assert.True(summary.IsOpaque);
        Assert.Equal("s", summary.Envelope.Subject);
        Assert.Equal(header.Length + 60_000_000, summary.Size);
        Assert.Equal(summary.Size, summary.HeaderLength);
    }

    [Fact]
    public async Task ALongLineInABodyTakesLittleMemory()
    {
        var header = "Subject: s\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n"u8.ToArray();
        await using var content = new LongStream(header, (byte)'-', 60_000_000);
        var summary = await ReadInLittleMemoryAsync(content);
        Assert.False(summary.IsOpaque);
        Assert.Equal("multipart/mixed(text/plain)", Shape(summary.Body));
    }

    private static MessageSummary ReadInTime(byte[] bytes)
    {
        MessageSummary? summary = null;
        Assert.InRange(ThreadTime.Of(() => summary = Reader.Read(bytes)), TimeSpan.Zero, TimeSpan.FromSeconds(2));
        return summary!;
    }

    private static Task<MessageSummary> ReadInLittleMemoryAsync(LongStream content)
    {
        // The stream answers at once, so all of it is this thread's.
        var before = GC.GetAllocatedBytesForCurrentThread();
        var reading = Reader.ReadAsync(content, TestContext.Current.CancellationToken);
        Assert.True(reading.IsCompleted);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 10_000_000);
        return reading;
    }

    private static void AssertOpaque(string text, bool opaque)
    {
        var bytes = Bytes(text);
        var summary = ReadInTime(bytes);
        Assert.Equal(opaque, summary.IsOpaque);
        Assert.Equal("s", summary.Envelope.Subject);
        Assert.True(summary.HasMessageId);
        Assert.InRange(summary.Encode().Length, 1, 640 * 1024);
        BrokenMessageTests.AssertSound(summary);
        if (opaque)
        {
            var headerLength = bytes.AsSpan().IndexOf("\r\n\r\n"u8) + 4;
            Assert.Equal("application/octet-stream", Shape(summary.Body));
            Assert.Equal((headerLength, bytes.Length - headerLength), ((int)summary.HeaderLength, (int)summary.Body.BodyLength));
        }
    }

    private static string NestedMultiparts(int depth)
    {
        var text = new StringBuilder("Subject: s|Message-ID: <m@x>|");
        for (var level = 0; level < depth; level++)
        {
            text.Append(System.Globalization.CultureInfo.InvariantCulture, $"Content-Type: multipart/mixed; boundary=b{level}||--b{level}|");
        }

        return text.Append("|x|").ToString();
    }

    /// <summary>A head, then one octet many times.</summary>
    private sealed class LongStream(byte[] head, byte filler, long count) : Stream
    {
        private long _at;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override int Read(Span<byte> buffer)
        {
            var rest = head.Length + count - _at;
            var piece = _at < head.Length ? head.AsSpan((int)_at) : [];
            var size = (int)Math.Min(piece.Length > 0 ? piece.Length : rest, buffer.Length);
            if (piece.Length > 0)
            {
                piece[..size].CopyTo(buffer);
            }
            else
            {
                buffer[..size].Fill(filler);
            }

            _at += size;
            return size;
        }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => new(Read(buffer.Span));

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            Task.FromResult(Read(buffer.AsSpan(offset, count)));

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
