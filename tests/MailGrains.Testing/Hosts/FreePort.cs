using System.Net.NetworkInformation;
using System.Security.Cryptography;

namespace MailGrains.Testing.Hosts;

/// <summary>A TCP port for a program that can't choose one itself.</summary>
public static class FreePort
{
    // Below the ports that the system gives to outgoing connections, one of which could take it between the choice and the start.
    private const int First = 20000;
    private const int Last = 32000;

    public static int Choose()
    {
        var taken = IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpListeners().Select(l => l.Port).ToHashSet();
        int port;
        do
        {
            port = RandomNumberGenerator.GetInt32(First, Last);
        }
        while (taken.Contains(port));
        return port;
    }
}
