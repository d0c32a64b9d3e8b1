using System.Collections.Concurrent;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace MailGrains.Testing.Hosts;

/// <summary>A TCP port for a program that can't choose one itself. No other test, of this process or another, gets the same as long as this process lives.</summary>
public static class FreePort
{
    // Below the ports that the system gives to outgoing connections, one of which could take it between the choice and the start.
    private const int First = 20000;
    private const int Last = 32000;

    // Who has chosen a port does not listen on it yet: it is held by a name that only one process can have, and that ends with it.
    private static readonly ConcurrentBag<Socket> Held = [];

    public static int Choose()
    {
        while (true)
        {
            var port = RandomNumberGenerator.GetInt32(First, Last);
            if (TryHold(port) && !IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpListeners().Any(listener => listener.Port == port))
            {
                return port;
            }
        }
    }

    private static bool TryHold(int port)
    {
        if (!OperatingSystem.IsLinux())
        {
            return true;
        }

        var name = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            name.Bind(new UnixDomainSocketEndPoint($"\0mailgrains-test-port-{port}"));
            Held.Add(name);
            return true;
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            name.Dispose();
            return false;
        }
    }
}
