using System.Net.Sockets;
using MailGrains.EndToEnd.Tests.Clients;
using MailGrains.Testing.Hosts;

namespace MailGrains.EndToEnd.Tests;

/// <summary>A host on a folder of its own with one mailbox, for the tests of a class.</summary>
public sealed class RunningHost : IAsyncLifetime
{
    public const string Mailbox = "one@running.test";
    public const string Password = "a long password";

    private readonly DataFolder _folder = new();

    public HostProcess Host { get; private set; } = null!;

    public AdminClient Admin { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Host = await HostProcess.StartAsync(_folder.Path);
        Admin = Host.NewAdminClient();
        await Admin.PutMailboxesAsync("running", [Mailbox], Password);
    }

    /// <summary>Sends a small message on a connection of its own; the last line of the reply to it.</summary>
    public async Task<string> SendAsync(string content, CancellationToken cancellationToken)
    {
        using var connection = await ConnectAsync(cancellationToken);
        foreach (var line in new[] { "EHLO client.test", "MAIL FROM:<a@example.org>", $"RCPT TO:<{Mailbox}>", "DATA" })
        {
            await connection.SendAsync(line, cancellationToken);
            await ReadReplyAsync(connection, cancellationToken);
        }

        await connection.SendAsync($"{content}\r\n.", cancellationToken);
        return await ReadReplyAsync(connection, cancellationToken);
    }

    /// <summary>An SMTP connection that has been greeted.</summary>
    internal async Task<LineConnection> ConnectAsync(CancellationToken cancellationToken)
    {
        var connection = await LineConnection.ConnectAsync(Host.Smtp, cancellationToken);
        await ReadReplyAsync(connection, cancellationToken);
        return connection;
    }

    /// <summary>A bare socket, for clients that break off or don't read.</summary>
    internal async Task<Socket> ConnectBareAsync(CancellationToken cancellationToken)
    {
        var socket = new Socket(Host.Smtp.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(Host.Smtp, cancellationToken);
        return socket;
    }

    internal static async Task<string> ReadReplyAsync(LineConnection connection, CancellationToken cancellationToken)
    {
        string line;
        do
        {
            line = await connection.ReadLineAsync(cancellationToken);
        }
        while (line.Length > 3 && line[3] == '-');
        return line;
    }

    /// <summary>How many messages the mailbox holds.</summary>
    public async Task<int> CountAsync(CancellationToken cancellationToken)
    {
        using var session = await Pop3Session.LogInAsync(Host.Pop3, Mailbox, Password, cancellationToken);
        return (await session.ListAsync(cancellationToken)).Count;
    }

    public async ValueTask DisposeAsync()
    {
        Admin?.Dispose();
        if (Host is not null)
        {
            await Host.DisposeAsync();
        }

        _folder.Dispose();
    }
}
