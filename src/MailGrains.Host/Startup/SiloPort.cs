using System.Net;
using System.Net.Sockets;
using MailGrains.Host.Configuration;

namespace MailGrains.Host.Startup;

/// <summary>
/// The right to a silo's port. Orleans binds its port so that a second silo on it starts silently and takes half of its connections; so each
/// host first takes the port under a name that only one process can hold, and then looks whether another program listens there.
/// </summary>
internal sealed class SiloPort : IDisposable
{
    private readonly Socket? _claim;

    private SiloPort(int number, Socket? claim)
    {
        Number = number;
        _claim = claim;
    }

    public int Number { get; }

    /// <param name="port">0: any free one.</param>
    /// <exception cref="SettingsException">Another process has the port.</exception>
    public static SiloPort Take(IPAddress address, int port, string setting)
    {
        if (port != 0)
        {
            return TryTake(address, port, out var taken)
                ? taken
                : throw new SettingsException($"{SettingsReader.Root}:{setting} {address}:{port} is in use by another process.");
        }

        for (; ; )
        {
            using var free = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            free.Bind(new IPEndPoint(address, 0));
            var number = ((IPEndPoint)free.LocalEndPoint!).Port;
            free.Dispose();
            if (TryTake(address, number, out var taken))
            {
                return taken;
            }
        }
    }

    public void Dispose() => _claim?.Dispose();

    private static bool TryTake(IPAddress address, int port, out SiloPort taken)
    {
        taken = null!;
        Socket? claim = null;
        try
        {
            if (OperatingSystem.IsLinux())
            {
                // An abstract name belongs to the network namespace, as ports do, and ends with the process.
                claim = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                claim.Bind(new UnixDomainSocketEndPoint($"\0mailgrains-silo-{address}-{port}"));
            }

            using var probe = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            probe.Bind(new IPEndPoint(address, port));
            probe.Listen();
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            claim?.Dispose();
            return false;
        }

        taken = new SiloPort(port, claim);
        return true;
    }
}
